/*
 * Fault injection: a test build (feature fault-injection) in which the test makes the Nth call of one kind fail.
 *
 * The linker gives the calls of this module to the functions here (--wrap), so no other source knows of them: what is
 * called __wrap_NAME is called instead of NAME, and __real_NAME is the function itself.
 */
#ifndef FAULTS_PLAN_H
#define FAULTS_PLAN_H

#include <stddef.h>

/* Kinds of calls, as tests/src/faults.rs names them. */
#define OUR_SHM "our-shm"                   /* SHM that this module asks Kamailio for, libcurl's slabs too */
#define CORE_SHM "core-shm"                 /* SHM that tm and the core ask for while this module has called them */
#define CORE_PRIVATE "core-private"         /* private memory, the same */
#define LIBCURL_MEMORY "libcurl-memory"     /* libcurl's allocator with memory_manager sys */
#define LIBCURL_SCARCE "libcurl-scarce"     /* SHM for libcurl: it gets private memory instead, as when SHM is scarce */
#define LIBEVENT_MEMORY "libevent-memory"   /* libevent's allocator */
#define CARES_MEMORY "c-ares-memory"        /* c-ares' allocator */
#define RUST_MEMORY "rust-memory"           /* large blocks of Rust's heap */
#define LIBCURL "libcurl"                   /* functions of libcurl but for the next */
#define MULTI "multi"                       /* curl_multi_socket_action */
#define OPENSSL "openssl"                   /* functions of OpenSSL */
#define LIBEVENT "libevent"                 /* functions of libevent */
#define CARES "c-ares"                      /* functions of c-ares */
#define LOOP "loop"                         /* event_base_loop */
#define WAKE "wake"                         /* the eventfd */
#define TM "tm"                             /* functions of tm, and the core's that makes a message */
#define TM_NOT_SUSPENDED "tm-not-suspended" /* t_continue finds the transaction not suspended (-2) */
#define SIGNAL_IN_SHM "signal-in-shm"       /* SIGTERM comes while the process holds the lock of SHM */
#define SIGNAL_AFTER_FORK "signal-fork"     /* SIGTERM comes to a worker that has just been forked */
#define PANIC_AT "panic:"                   /* and the name of a place: the Rust code there panics */
#define SIGNAL_AT "signal:"                 /* and the name of a place: SIGTERM comes there */

/* Counts a call; whether it must fail. */
int fault_now(const char *kind, const char *call);

/* A place in the Rust code is reached; whether it must panic. */
int fault_place(const char *place);

/* Tells the test that a worker has started. */
void fault_worker_runs(void);

/* Blocks in use: of SHM, but for slabs, and of libcurl, wherever they are. */
void fault_block_taken(const void *block);
void fault_block_given_back(const void *block);

/* The core's memory fails only inside this module's own calls, not while the script runs. */
extern int fault_core_may_fail;

#endif
