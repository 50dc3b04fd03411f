/* Shared memory that this module asks for. */
#include "heap.h"
#include "plan.h"

void *__real_shim_shm_malloc(size_t size);
void __real_shim_shm_free(void *block);

void *__wrap_shim_shm_malloc(size_t size)
{
	void *block = fault_now(OUR_SHM, "shm_malloc") ? NULL : __real_shim_shm_malloc(size);
	if(!fault_for_libcurl) {
		fault_block_taken(block);
	}
	return block;
}

void __wrap_shim_shm_free(void *block)
{
	if(!fault_for_libcurl) {
		fault_block_given_back(block);
	}
	__real_shim_shm_free(block);
}
