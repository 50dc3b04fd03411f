/* Shared memory that this module asks for. */
#include "plan.h"

void *__real_shim_shm_malloc(size_t size);
void *__real_shim_shm_realloc(void *block, size_t size);
void __real_shim_shm_free(void *block);

void *__wrap_shim_shm_malloc(size_t size)
{
	void *block = fault_now(OUR_SHM, "shm_malloc") ? NULL : __real_shim_shm_malloc(size);
	fault_block_taken(block);
	return block;
}

void *__wrap_shim_shm_realloc(void *block, size_t size)
{
	void *moved = fault_now(OUR_SHM, "shm_realloc") ? NULL : __real_shim_shm_realloc(block, size);
	if(moved != NULL) {
		fault_block_given_back(block);
		fault_block_taken(moved);
	}
	return moved;
}

void __wrap_shim_shm_free(void *block)
{
	fault_block_given_back(block);
	__real_shim_shm_free(block);
}
