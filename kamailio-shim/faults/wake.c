/* The eventfd that wakes a worker. An interruption is all that can happen to one that works. */
#include <errno.h>
#include <unistd.h>

#include "plan.h"

int __real_eventfd(unsigned int count, int flags);
ssize_t __real_write(int file, const void *bytes, size_t length);
ssize_t __real_read(int file, void *bytes, size_t length);

int __wrap_eventfd(unsigned int count, int flags)
{
	if(fault_now(WAKE, "eventfd")) {
		errno = EMFILE;
		return -1;
	}
	return __real_eventfd(count, flags);
}

ssize_t __wrap_write(int file, const void *bytes, size_t length)
{
	if(fault_now(WAKE, "write")) {
		errno = EINTR;
		return -1;
	}
	return __real_write(file, bytes, length);
}

ssize_t __wrap_read(int file, void *bytes, size_t length)
{
	if(fault_now(WAKE, "read")) {
		errno = EINTR;
		return -1;
	}
	return __real_read(file, bytes, length);
}
