/* How a ResumeTarget names what Kamailio runs. */
#ifndef KAMAILIO_SHIM_TARGET_H
#define KAMAILIO_SHIM_TARGET_H

#include "shim.h"

struct action *target_action(const ResumeTarget *target); /* NULL: an empty route */
str target_function(const ResumeTarget *target);          /* .s is NULL with the native script language */

str target_event(void); /* what a KEMI callback gets as its parameter */

#endif
