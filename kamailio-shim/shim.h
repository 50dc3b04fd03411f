/*
 * The C side of http_async_client: only what Kamailio's macros and inline functions force. No logic lives here.
 * Every function names the process that may call it: "worker" is an HTTP worker, "script" any process that runs the
 * routing script, "main" the main process before it forks.
 */
#ifndef KAMAILIO_SHIM_H
#define KAMAILIO_SHIM_H

#include <stddef.h>

#include "core/sr_module.h"
#include "core/counters.h"
#include "core/kemi.h"
#include "core/mod_fix.h"
#include "core/pvar.h"
#include "core/pvapi.h"
#include "core/route.h"

#include "http_async_client.h"

/* A whole number in the script language: int in Kamailio 5.6, long in 6.0. */
typedef __typeof__(((pv_value_t *)NULL)->ri) shim_script_integer;

/* version.c: what Kamailio compares before it accepts the module */
extern const char shim_module_version[];
extern const char shim_module_flags[];

/* log.c, any process */
int shim_log_enabled(int level);
void shim_log(int level, const char *location, const char *text, int length);

/* memory.c, any process, once the core has set up shared memory */
void *shim_shm_malloc(size_t size);
void shim_shm_free(void *block);
size_t shim_shm_available(void); /* bytes, in pieces of any size */
size_t shim_shm_size(void);      /* bytes */

/* transaction.c */
int shim_tm_bind(void);                                               /* main: 0, or -1 without tm */
int shim_tm_fr_timer(unsigned int *milliseconds);                     /* main: 0, or -1 when unknown */
TransactionState shim_transaction_state(const sip_msg_t *msg);        /* script */
int shim_transaction_suspend(sip_msg_t *msg, Suspension *suspension); /* script: see SHIM_SUSPEND_... */
ResumeOutcome shim_transaction_resume(const Suspension *suspension, const ResumeTarget *target); /* worker */

/* What shim_transaction_suspend returns beside 0, 1 (cancelled), -3 (answered) and other errors of t_suspend. */
enum { SUSPEND_REFUSED_FOR_BRANCHES = -100, SUSPEND_REFUSED_FOR_STATUS = -101 };

/* bindgen does not evaluate the core's shifted macros */
enum {
	SHIM_REQUEST_ROUTE = REQUEST_ROUTE,
	SHIM_FAILURE_ROUTE = FAILURE_ROUTE,
	SHIM_TM_ONREPLY_ROUTE = TM_ONREPLY_ROUTE,
	SHIM_PARAM_USE_FUNC = PARAM_USE_FUNC,
	SHIM_MODULE_INTERFACE_VER = MODULE_INTERFACE_VER,
	SHIM_ANY_ROUTE = ANY_ROUTE
};

/* route.c */
int shim_route_type(void);                               /* script */
int shim_route_index(const char *name);                  /* script: index, or -1 */
const char *shim_route_name(int index);                  /* worker: NULL when there is none; NUL-terminated */
int shim_script_is_kemi(void);                           /* script: 1 with KEMI, 0 with the native language */
int shim_routes_init(void);                              /* main: 0, or -1 */
int shim_route_run_detached(const ResumeTarget *target); /* worker: 0, or -1 when the message cannot be made */

/* message.c, script, but for the first */
int shim_messages_init(void); /* main: 0, or -1 */
int shim_message_is_received_sip(const sip_msg_t *msg);
unsigned int shim_message_id(const sip_msg_t *msg);
int shim_message_pid(const sip_msg_t *msg);

/* statistic.c, any process */
void shim_statistic_add(void *statistic, int amount);

/* process.c */
int shim_workers_register(int count);     /* main: 0, or -1 */
int shim_worker_fork(char *description);  /* main: 0 in the child, its pid in main, -1 on error */
int shim_worker_started(void);            /* worker: 0, or -1 */
int shim_process_number(void);            /* any process */
int shim_only_checks_configuration(void); /* main, while the configuration is read */

#endif
