/* ONNX Runtime's C API, opened from a shared library, and tensors of the rows that `native.packed` writes.
 *
 * Whoever includes this defines `stop`, which does not return.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

#define MOST 8
#define CHECK(call) do { OrtStatus* failed = (call); if (failed) stop(ort->GetErrorMessage(failed)); } while (0)

struct input { int kind, rows, width; char* name; char* numbers; const char** texts; };

static void stop(const char* reason);

static const OrtApi* ort;
static OrtEnv* environment;
static OrtSessionOptions* options;
static OrtAllocator* allocator;
static OrtMemoryInfo* memory;
static OrtSession* session;
static struct input inputs[MOST];
static char* outputs[MOST];
static int input_count;
static size_t output_count;

/* The library's version. */
static const char* open_library(const char* path) {
  void* library = dlopen(path, RTLD_NOW);
  if (!library) stop(dlerror());
  const OrtApiBase* base = ((const OrtApiBase* (*)(void))dlsym(library, "OrtGetApiBase"))();
  ort = base->GetApi(18);  /* that of ONNX Runtime 1.18: any later library has it */
  if (!ort) stop("older than ONNX Runtime 1.18");
  CHECK(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "edgepack", &environment));
  CHECK(ort->CreateSessionOptions(&options));
  CHECK(ort->SetIntraOpNumThreads(options, 1));
  CHECK(ort->SetInterOpNumThreads(options, 1));
  CHECK(ort->GetAllocatorWithDefaultOptions(&allocator));
  CHECK(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  return base->GetVersionString();
}

static void open_model(const void* model, size_t size) {
  CHECK(ort->CreateSessionFromArray(environment, model, size, options, &session));
  CHECK(ort->SessionGetOutputCount(session, &output_count));
  for (size_t i = 0; i < output_count && i < MOST; i++)
    CHECK(ort->SessionGetOutputName(session, i, allocator, &outputs[i]));
}

static int take(char** at) {
  int value;
  memcpy(&value, *at, 4);
  *at += 4;
  return value;
}

static void read_rows(char* at) {
  input_count = take(&at);
  for (int i = 0; i < input_count && i < MOST; i++) {
    struct input* in = &inputs[i];
    in->kind = take(&at); in->rows = take(&at); in->width = take(&at);
    in->name = at;
    at += strlen(at) + 1;
    size_t values = (size_t)in->rows * in->width;
    if (in->kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
      in->texts = malloc(values * sizeof *in->texts);
      for (size_t k = 0; k < values; k++) { in->texts[k] = at; at += strlen(at) + 1; }
    } else {
      size_t size = values * (in->kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE ? 8 : 4);
      in->numbers = malloc(size);  /* aligned, as the file is not */
      memcpy(in->numbers, at, size);
      at += size;
    }
  }
}

static OrtValue* tensor(const struct input* in, int start, int size) {
  int64_t dims[] = {size, in->width};
  size_t values = (size_t)size * in->width, from = (size_t)start * in->width;
  OrtValue* value = NULL;
  if (in->kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING) {
    CHECK(ort->CreateTensorAsOrtValue(allocator, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &value));
    CHECK(ort->FillStringTensor(value, in->texts + from, values));
  } else {
    size_t wide = in->kind == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE ? 8 : 4;
    CHECK(ort->CreateTensorWithDataAsOrtValue(memory, in->numbers + from * wide, values * wide, dims, 2,
                                              (ONNXTensorElementDataType)in->kind, &value));
  }
  return value;
}

/* Fills `found`, which is the caller's to release. */
static void run(int start, int size, OrtValue** found) {
  OrtValue* given[MOST];
  const char* names[MOST];
  for (int i = 0; i < input_count; i++) { given[i] = tensor(&inputs[i], start, size); names[i] = inputs[i].name; }
  CHECK(ort->Run(session, NULL, names, (const OrtValue* const*)given, input_count, (const char* const*)outputs,
                 output_count, found));
  for (int i = 0; i < input_count; i++) ort->ReleaseValue(given[i]);
}
