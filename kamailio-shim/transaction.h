/* tm's transactions, for the files of the shim that deal with them. */
#ifndef KAMAILIO_SHIM_TRANSACTION_H
#define KAMAILIO_SHIM_TRANSACTION_H

#include "shim.h"
#include "modules/tm/tm_load.h"

extern struct tm_binds tm; /* since shim_tm_bind */

/* transaction.c */
tm_cell_t *current_transaction(void); /* NULL without one */
/* tm's reply lock, which its resumption, its timers and its receivers of replies take too. It counts, so it may be
 * held while tm takes it again; tm does not hand these two functions out. */
void lock_replies(tm_cell_t *transaction);
void unlock_replies(tm_cell_t *transaction);
int is_over(const tm_cell_t *transaction);
int has_open_branch(const tm_cell_t *transaction);

/* after_callback.c */
int watch_resumed_routes(void);         /* main: 0, or -1 */
int find_arming_functions(void);        /* main: 0, or -1 */
void disarm_routes(sip_msg_t *message); /* worker: without a transaction */
void begin_resumed_route(void);         /* worker */
int was_left_alone(void);               /* worker: whether the last resumed route left neither a reply nor a branch */
void end_made_transaction(const sip_msg_t *message); /* worker: after a route without a suspended transaction */

#endif
