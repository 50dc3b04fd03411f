/* Shared memory that this module asks for. */
#include <signal.h>

#include "core/mem/shm.h"

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
	if(fault_now(SIGNAL_IN_SHM, "shm_free")) {
		shm_global_lock();
		raise(SIGTERM);
		shm_global_unlock();
	}
	__real_shim_shm_free(block);
}
