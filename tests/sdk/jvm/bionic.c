/* What Android's C library has and glibc lacks, so that ONNX Runtime's own Android library for x86-64 runs on Linux. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>

int *__errno(void) { return &errno; }

char *__gnu_strerror_r(int number, char *buffer, size_t size) { return strerror_r(number, buffer, size); }

size_t __strlen_chk(const char *text, size_t size) {
    (void)size;
    return strlen(text);
}

char *__strchr_chk(const char *text, int wanted, size_t size) {
    (void)size;
    return strchr(text, wanted);
}

void __FD_SET_chk(int file, fd_set *set, size_t size) {
    (void)size;
    FD_SET(file, set);
}

int __FD_ISSET_chk(int file, const fd_set *set, size_t size) {
    (void)size;
    return FD_ISSET(file, set);
}

int __system_property_get(const char *name, char *value) {
    (void)name;
    value[0] = 0;
    return 0;
}

void android_set_abort_message(const char *message) { fprintf(stderr, "abort: %s\n", message); }

int __android_log_write(int priority, const char *tag, const char *message) {
    return fprintf(stderr, "%d/%s: %s\n", priority, tag, message);
}

int __android_log_vprint(int priority, const char *tag, const char *format, va_list given) {
    fprintf(stderr, "%d/%s: ", priority, tag);
    return vfprintf(stderr, format, given);
}

int __android_log_print(int priority, const char *tag, const char *format, ...) {
    va_list given;
    va_start(given, format);
    int written = __android_log_vprint(priority, tag, format, given);
    va_end(given);
    return written;
}

/* Android's stdin, stdout and stderr, of 152 bytes each: only their addresses mean anything. */
char __sF[3][152];

static FILE *stream(FILE *file) {
    FILE *own[] = {stdin, stdout, stderr};
    ptrdiff_t at = (char *)file - (char *)__sF;
    return at >= 0 && at < (ptrdiff_t)sizeof __sF ? own[at / 152] : file;
}

/* The C++ library flushes them when the process ends. */
int fflush(FILE *file) {
    int (*real)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fflush");
    return real(file ? stream(file) : file);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    size_t (*real)(const void *, size_t, size_t, FILE *) =
        (size_t (*)(const void *, size_t, size_t, FILE *))dlsym(RTLD_NEXT, "fwrite");
    return real(data, size, count, stream(file));
}
