/* Runs an ONNX model through ONNX Runtime's C API, without Python: native LIBRARY MODEL ROWS
 *
 * ROWS: int32 inputs; then for each: int32 kind (1 float32, 11 float64, 8 text: ONNX's numbers), int32 rows, int32 width,
 * NUL-ended name, and the values (text: NUL-ended each). First line out: load in ns, peak resident KB, version.
 * Then for each line in, "FIRST SIZE CALLS" a line out: how many ns each call took; call k takes SIZE rows from row
 * (FIRST + k) * SIZE on, around the end. CALLS 0: the values of the last output for those rows instead.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "onnxruntime_c_api.h"

#define MOST 8
#define CHECK(call) do { OrtStatus* failed = (call); \
    if (failed) { fprintf(stderr, "%s\n", ort->GetErrorMessage(failed)); exit(2); } } while (0)

struct input { int kind, rows, width; char* name; char* numbers; const char** texts; };

static const OrtApi* ort;
static OrtSession* session;
static OrtAllocator* allocator;
static OrtMemoryInfo* memory;
static struct input inputs[MOST];
static char* outputs[MOST];
static int input_count;
static size_t output_count;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static char* read_file(const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) { perror(path); exit(2); }
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char* data = malloc(size + 1);
  if (fread(data, 1, size, file) != (size_t)size) { perror(path); exit(2); }
  fclose(file);
  return data;
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

static long long call(int start, int size, int show) {
  const OrtValue* given[MOST];
  const char* names[MOST];
  OrtValue* found[MOST] = {0};
  long long begin = now();
  for (int i = 0; i < input_count; i++) { given[i] = tensor(&inputs[i], start, size); names[i] = inputs[i].name; }
  CHECK(ort->Run(session, NULL, names, given, input_count, (const char* const*)outputs, output_count, found));
  long long took = now() - begin;
  if (show) {
    OrtTensorTypeAndShapeInfo* info;
    size_t count;
    double* values;
    CHECK(ort->GetTensorTypeAndShape(found[output_count - 1], &info));
    CHECK(ort->GetTensorShapeElementCount(info, &count));
    CHECK(ort->GetTensorMutableData(found[output_count - 1], (void**)&values));
    for (size_t k = 0; k < count; k++) printf("%.17g ", values[k]);
    ort->ReleaseTensorTypeAndShapeInfo(info);
  }
  for (int i = 0; i < input_count; i++) ort->ReleaseValue((OrtValue*)given[i]);
  for (size_t i = 0; i < output_count; i++) ort->ReleaseValue(found[i]);
  return took;
}

int main(int count, char** words) {
  if (count != 4) { fprintf(stderr, "native LIBRARY MODEL ROWS\n"); return 2; }
  read_rows(read_file(words[3]));
  long long begin = now();
  void* library = dlopen(words[1], RTLD_NOW);
  if (!library) { fprintf(stderr, "%s\n", dlerror()); return 2; }
  const OrtApiBase* base = ((const OrtApiBase* (*)(void))dlsym(library, "OrtGetApiBase"))();
  ort = base->GetApi(18);  /* that of ONNX Runtime 1.18: any later library has it */
  if (!ort) { fprintf(stderr, "older than ONNX Runtime 1.18\n"); return 2; }
  OrtEnv* environment;
  OrtSessionOptions* options;
  CHECK(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "edgepack", &environment));
  CHECK(ort->CreateSessionOptions(&options));
  CHECK(ort->SetIntraOpNumThreads(options, 1));
  CHECK(ort->SetInterOpNumThreads(options, 1));
  CHECK(ort->CreateSession(environment, words[2], options, &session));
  CHECK(ort->GetAllocatorWithDefaultOptions(&allocator));
  CHECK(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  CHECK(ort->SessionGetOutputCount(session, &output_count));
  for (size_t i = 0; i < output_count && i < MOST; i++)
    CHECK(ort->SessionGetOutputName(session, i, allocator, &outputs[i]));
  long long loaded = now() - begin;
  call(0, 1, 0);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%lld %ld %s\n", loaded, usage.ru_maxrss, base->GetVersionString());
  fflush(stdout);
  int first, size, calls;
  while (scanf("%d %d %d", &first, &size, &calls) == 3) {
    int slices = inputs[0].rows / size;
    if (slices < 1) { fprintf(stderr, "%d rows are too few for %d\n", inputs[0].rows, size); return 2; }
    if (!calls) call((first % slices) * size, size, 1);
    for (int k = 0; k < calls; k++) printf("%lld ", call(((first + k) % slices) * size, size, 0));
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
