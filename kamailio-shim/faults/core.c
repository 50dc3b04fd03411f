/* Memory of the core and of tm, while this module has called them. The core reaches its allocators by two tables. */
#include "core/mem/pkg.h"
#include "core/mem/shm.h"

#include "core.h"
#include "plan.h"

#ifdef DBG_SR_MEMORY
#define WHERE , const char *file, const char *func, unsigned int line, const char *mname
#define HERE , file, func, line, mname
#else
#define WHERE
#define HERE
#endif

int fault_core_may_fail;

#define ALLOCATION(pool, kind, member)                                                                                 \
	static __typeof__(((__typeof__(_##pool##_root) *)0)->member) pool##_##member##_before;                             \
	static void *pool##_##member(void *memory, size_t size WHERE)                                                      \
	{                                                                                                                  \
		if(fault_core_may_fail && fault_now(kind, #pool " " #member)) {                                                \
			return NULL;                                                                                               \
		}                                                                                                              \
		return pool##_##member##_before(memory, size HERE);                                                            \
	}
#define REALLOCATION(pool, kind, member, release)                                                                      \
	static __typeof__(((__typeof__(_##pool##_root) *)0)->member) pool##_##member##_before;                             \
	static void *pool##_##member(void *memory, void *block, size_t size WHERE)                                         \
	{                                                                                                                  \
		if(fault_core_may_fail && fault_now(kind, #pool " " #member)) {                                                \
			release;                                                                                                   \
			return NULL;                                                                                               \
		}                                                                                                              \
		return pool##_##member##_before(memory, block, size HERE);                                                     \
	}
#define INSTALL(pool, member)                                                                                          \
	pool##_##member##_before = _##pool##_root.member;                                                                  \
	_##pool##_root.member = pool##_##member

ALLOCATION(shm, CORE_SHM, xmalloc)
ALLOCATION(shm, CORE_SHM, xmallocxz)
ALLOCATION(shm, CORE_SHM, xmalloc_unsafe)
REALLOCATION(shm, CORE_SHM, xrealloc, (void)0)
REALLOCATION(shm, CORE_SHM, xreallocxf, _shm_root.xfree(memory, block HERE))
ALLOCATION(pkg, CORE_PRIVATE, xmalloc)
ALLOCATION(pkg, CORE_PRIVATE, xmallocxz)
REALLOCATION(pkg, CORE_PRIVATE, xrealloc, (void)0)
REALLOCATION(pkg, CORE_PRIVATE, xreallocxf, _pkg_root.xfree(memory, block HERE))

void fault_core_install(void)
{
	INSTALL(shm, xmalloc);
	INSTALL(shm, xmallocxz);
	INSTALL(shm, xmalloc_unsafe);
	INSTALL(shm, xrealloc);
	INSTALL(shm, xreallocxf);
	INSTALL(pkg, xmalloc);
	INSTALL(pkg, xmallocxz);
	INSTALL(pkg, xrealloc);
	INSTALL(pkg, xreallocxf);
}
