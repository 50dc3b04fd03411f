/* What C may use of the Rust side of http_async_client. Written by cbindgen: do not edit. */

#ifndef HTTP_ASYNC_CLIENT_H
#define HTTP_ASYNC_CLIENT_H

#include <stddef.h>
#include <stdint.h>

// How the attempt to resume a transaction ended (Kamailio `t_continue`).
typedef enum {
  // The route ran.
  RESUME_OUTCOME_RUN,
  // The same, and it left the transaction with neither a reply nor an open branch; tm has answered with an error.
  RESUME_OUTCOME_LEFT_ALONE,
  // The transaction was cancelled, has timed out or is gone; nothing ran.
  RESUME_OUTCOME_GONE,
} ResumeOutcome;

// What the running script has as its SIP transaction (Kamailio `t_gett`, `T_ASYNC_SUSPENDED`).
typedef enum {
  // No transaction exists that can be suspended: there is none, or it is one of the server's own.
  TRANSACTION_STATE_NONE,
  // A transaction exists and is not suspended.
  TRANSACTION_STATE_OPEN,
  // A transaction exists and waits for somebody to resume it.
  TRANSACTION_STATE_SUSPENDED,
  // The same, and what the script runs for is a retransmission of the reply that waits.
  TRANSACTION_STATE_REPEATED,
} TransactionState;

// `module_exports_t`. Wrapped, because it holds pointers; the wrapper has the same layout.
typedef module_exports_t Exports;

// A C string behind a pointer, as `MODULE_VERSION` in `core/sr_module.h` declares it.
typedef const char *Text;

// The route or function to run when a query has ended.
typedef struct {
  // Index into Kamailio's `main_rt`; -1 with a KEMI script.
  int route_index;
  // Route type in which the query was sent (Kamailio `get_route_type`).
  int route_type;
  // Name of the KEMI function, NUL-terminated; null with the native script language.
  const char *function;
  // Length of `function` in bytes.
  int function_length;
} ResumeTarget;

// Names one suspension of a SIP transaction in every process. A transaction may be suspended again by somebody else
// before the one who holds this comes to resume it.
typedef struct {
  // tm's hash index of the transaction.
  unsigned int hash_index;
  // tm's label of the transaction.
  unsigned int label;
  // The branch that the suspension took, or on which the suspended reply came.
  int branch;
  // tm's clone of the suspended reply, in shared memory; null for a request.
  void *reply;
  // Where the clone ends (tm's `end_reply`); null for a request.
  char *reply_end;
} Suspension;

// The module's tables and functions (`core/sr_module.h`).
extern const Exports exports;

// Kamailio refuses a module whose version is not its own.
extern const Text module_version;

// Kamailio refuses a module whose compile flags are not its own.
extern const Text module_flags;

// Layout of [`exports`]: `MODULE_INTERFACE_VER`.
extern const unsigned int module_interface_ver;

// Called when the module has been loaded, before any parameter is set.
int mod_register(char *_path, int *_dlflags, void *_reserved1, void *_reserved2);

#endif  /* HTTP_ASYNC_CLIENT_H */
