/* The C library's heap: libcurl's allocations with memory_manager sys, and large blocks of Rust's, whose size a script
 * or a peer has chosen. Rust ends the process where an allocation fails that is not made with try_reserve. */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "heap.h"
#include "plan.h"

enum { LARGE = 2048 };

int fault_for_libcurl;

static int must_fail(size_t size, const char *call)
{
	return fault_for_libcurl ? fault_now(LIBCURL_MEMORY, call) : size >= LARGE && fault_now(RUST_MEMORY, call);
}

void *__wrap_malloc(size_t size)
{
	return must_fail(size, "malloc") ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return must_fail(count * size, "calloc") ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
	return must_fail(size, "realloc") ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
	return must_fail(strlen(text), "strdup") ? NULL : __real_strdup(text);
}

/* What libcurl is to use, and around each the mark that it is libcurl that asks. */
static curl_malloc_callback malloc_before;
static curl_free_callback free_before;
static curl_realloc_callback realloc_before;
static curl_strdup_callback strdup_before;
static curl_calloc_callback calloc_before;

static void *marked_malloc(size_t size)
{
	void *block;
	fault_for_libcurl = 1;
	block = fault_now(LIBCURL_SCARCE, "malloc") ? malloc(size) : malloc_before(size);
	fault_for_libcurl = 0;
	fault_block_taken(block);
	return block;
}

static void marked_free(void *block)
{
	fault_block_given_back(block);
	fault_for_libcurl = 1;
	free_before(block);
	fault_for_libcurl = 0;
}

static void *marked_realloc(void *block, size_t size)
{
	void *moved;
	fault_for_libcurl = 1;
	if(block == NULL && fault_now(LIBCURL_SCARCE, "realloc")) {
		moved = malloc(size);
	} else {
		moved = realloc_before(block, size);
	}
	fault_for_libcurl = 0;
	if(block == NULL) {
		fault_block_taken(moved);
	}
	return moved;
}

static char *marked_strdup(const char *text)
{
	char *copy;
	fault_for_libcurl = 1;
	copy = fault_now(LIBCURL_SCARCE, "strdup") ? strdup(text) : strdup_before(text);
	fault_for_libcurl = 0;
	fault_block_taken(copy);
	return copy;
}

static void *marked_calloc(size_t count, size_t size)
{
	void *block;
	fault_for_libcurl = 1;
	block = fault_now(LIBCURL_SCARCE, "calloc") ? calloc(count, size) : calloc_before(count, size);
	fault_for_libcurl = 0;
	fault_block_taken(block);
	return block;
}

CURLcode __real_curl_global_init_mem(long flags, curl_malloc_callback allocate, curl_free_callback give_back,
		curl_realloc_callback reallocate, curl_strdup_callback duplicate, curl_calloc_callback zeroed);

CURLcode __wrap_curl_global_init_mem(long flags, curl_malloc_callback allocate, curl_free_callback give_back,
		curl_realloc_callback reallocate, curl_strdup_callback duplicate, curl_calloc_callback zeroed)
{
	if(fault_now(LIBCURL, "curl_global_init_mem")) {
		return CURLE_FAILED_INIT;
	}
	malloc_before = allocate;
	free_before = give_back;
	realloc_before = reallocate;
	strdup_before = duplicate;
	calloc_before = zeroed;
	return __real_curl_global_init_mem(flags, marked_malloc, marked_free, marked_realloc, marked_strdup, marked_calloc);
}
