#ifndef FAULTS_CORE_H
#define FAULTS_CORE_H

/* Puts the functions of core.c into the core's tables. Main, in mod_init. */
void fault_core_install(void);

#endif
