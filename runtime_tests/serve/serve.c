/* Runs models for another process through ONNX Runtime's C API: serve LIBRARY; see native.py for the form. */
#include <setjmp.h>
#include <stdio.h>
#include "ort.h"

static jmp_buf asked;
static char* answer;
static size_t length, room;
static const char* reason;

/* Back to the loop: what was taken for the request stays taken. */
static void stop(const char* said) {
  reason = said;
  longjmp(asked, 1);
}

static void put(const void* data, size_t size) {
  if (length + size > room) answer = realloc(answer, room = 2 * (length + size));
  memcpy(answer + length, data, size);
  length += size;
}

static void put_int(size_t value) {
  int32_t small = (int32_t)value;
  put(&small, 4);
}

static void put_text(OrtValue* value, size_t count) {
  for (size_t k = 0; k < count; k++) {
    size_t size;
    CHECK(ort->GetStringTensorElementLength(value, k, &size));
    char* text = calloc(size + 1, 1);
    CHECK(ort->GetStringTensorElement(value, size, k, text));
    put(text, size + 1);
    free(text);
  }
}

static size_t width_of(ONNXTensorElementDataType kind) {
  if (kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL) return 1;
  return kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? 4 : 8;  /* else double or int64 */
}

static void put_tensor(const char* name, OrtValue* value) {
  OrtTensorTypeAndShapeInfo* info;
  ONNXTensorElementDataType kind;
  size_t rank, count;
  int64_t dims[8];
  void* data;
  CHECK(ort->GetTensorTypeAndShape(value, &info));
  CHECK(ort->GetTensorElementType(info, &kind));
  CHECK(ort->GetDimensionsCount(info, &rank));
  CHECK(ort->GetDimensions(info, dims, rank));
  CHECK(ort->GetTensorShapeElementCount(info, &count));
  ort->ReleaseTensorTypeAndShapeInfo(info);
  put_int(kind);
  put_int(rank);
  for (size_t k = 0; k < rank; k++) put_int(dims[k]);
  put(name, strlen(name) + 1);
  if (kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    put_text(value, count);
  } else {
    CHECK(ort->GetTensorMutableData(value, &data));
    put(data, count * width_of(kind));
  }
}

static void reply(int failed) {
  int32_t head[] = {failed, (int32_t)length};
  fwrite(head, 1, sizeof head, stdout);
  fwrite(answer, 1, length, stdout);
  fflush(stdout);
}

static void respond(char kind, char* body, int size) {
  if (kind == 'm') {
    if (session) ort->ReleaseSession(session);
    session = NULL;
    open_model(body, size);
    return;
  }
  if (!session) stop("no model");
  OrtValue* found[MOST] = {0};
  read_rows(body);
  run(0, inputs[0].rows, found);
  put_int(output_count);
  for (size_t i = 0; i < output_count; i++) {
    put_tensor(outputs[i], found[i]);
    ort->ReleaseValue(found[i]);
  }
  for (int i = 0; i < input_count; i++) {
    free(inputs[i].kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING ? (void*)inputs[i].texts : inputs[i].numbers);
  }
}

int main(int count, char** words) {
  if (count != 2) return 2;
  char kind = 0;
  char* body = NULL;
  int32_t size;
  put("", 0);
  if (setjmp(asked)) {
    if (!ort) { fprintf(stderr, "%s\n", reason); return 2; }
    length = 0;
    put(reason, strlen(reason));
    reply(1);
  } else {
    const char* version = open_library(words[1]);
    put(version, strlen(version));
    reply(0);
  }
  while (fread(&kind, 1, 1, stdin) == 1 && fread(&size, 4, 1, stdin) == 1) {
    free(body);
    body = malloc(size + 1);
    if (fread(body, 1, size, stdin) != (size_t)size) return 2;
    length = 0;
    respond(kind, body, size);
    reply(0);
  }
  return 0;
}
