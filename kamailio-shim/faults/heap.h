/* The C library's own functions: the linker gives the usual names to heap.c. */
#ifndef FAULTS_HEAP_H
#define FAULTS_HEAP_H

#include <stddef.h>

/* Set while libcurl allocates or frees. */
extern int fault_for_libcurl;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);

#endif
