/* The messages that callbacks without a transaction run on. */
#ifndef KAMAILIO_SHIM_MADE_MESSAGE_H
#define KAMAILIO_SHIM_MADE_MESSAGE_H

#include "shim.h"

int made_message_parse(sip_msg_t *message); /* 0, or -1 */
void made_message_name(void);               /* what was parsed of the text before stays true */

#endif
