#include "shim.h"
#include "core/mem/shm.h"

void *shim_shm_malloc(size_t size)
{
	return shm_malloc(size);
}

void *shim_shm_realloc(void *block, size_t size)
{
	return shm_realloc(block, size);
}

void shim_shm_free(void *block)
{
	shm_free(block);
}
