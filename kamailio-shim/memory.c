#include "shim.h"
#include "core/globals.h"
#include "core/mem/shm.h"

void *shim_shm_malloc(size_t size)
{
	return shm_malloc(size);
}

void shim_shm_free(void *block)
{
	shm_free(block);
}

size_t shim_shm_available(void)
{
	return shm_available();
}

size_t shim_shm_size(void)
{
	return shm_mem_size;
}
