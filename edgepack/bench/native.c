/* Runs an ONNX model through ONNX Runtime's C API, without Python: native LIBRARY MODEL ROWS
 *
 * ROWS: int32 inputs; then for each: int32 kind (1 float32, 11 float64, 8 text: ONNX's numbers), int32 rows, int32 width,
 * NUL-ended name, and the values (text: NUL-ended each). First line out: load in ns, first call in ns, peak resident KB,
 * version. Then for each line in, "FIRST SIZE CALLS" a line out: how many ns each call took; call k takes SIZE rows from
 * row (FIRST + k) * SIZE on, around the end. CALLS 0: the values of the last output for those rows instead.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include "ort.h"

static void stop(const char* reason) {
  fprintf(stderr, "%s\n", reason);
  exit(2);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file) { perror(path); exit(2); }
  fseek(file, 0, SEEK_END);
  *size = ftell(file);
  rewind(file);
  char* data = malloc(*size + 1);
  if (fread(data, 1, *size, file) != *size) { perror(path); exit(2); }
  fclose(file);
  return data;
}

/* Linux's ru_maxrss begins with what the parent held when it started this process; VmHWM is of this program alone. */
static long peak_kb(void) {
#ifdef __linux__
  char line[256];
  long peak = 0;
  FILE* status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &peak);
  if (status) fclose(status);
  return peak;
#else
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;  /* bytes, on a Mac */
#endif
}

static long long call(int start, int size, int show) {
  OrtValue* found[MOST] = {0};
  long long begin = now();
  run(start, size, found);
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
  for (size_t i = 0; i < output_count; i++) ort->ReleaseValue(found[i]);
  return took;
}

/* By this name instructions.py knows what is to be counted: neither inlined nor cloned under another. */
__attribute__((noinline, used)) long long counted_call(int start, int size) { return call(start, size, 0); }

int main(int count, char** words) {
  if (count != 4) stop("native LIBRARY MODEL ROWS");
  size_t bytes;
  read_rows(read_file(words[3], &bytes));
  long long begin = now();
  const char* version = open_library(words[1]);
  char* model = read_file(words[2], &bytes);
  open_model(model, bytes);
  free(model);
  long long loaded = now() - begin, first_call = call(0, 1, 0);
  printf("%lld %lld %ld %s\n", loaded, first_call, peak_kb(), version);
  fflush(stdout);
  int first, size, calls;
  while (scanf("%d %d %d", &first, &size, &calls) == 3) {
    int slices = inputs[0].rows / size;
    if (slices < 1) { fprintf(stderr, "%d rows are too few for %d\n", inputs[0].rows, size); return 2; }
    if (!calls) call((first % slices) * size, size, 1);
    for (int k = 0; k < calls; k++) printf("%lld ", counted_call(((first + k) % slices) * size, size));
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
