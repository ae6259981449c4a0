/* rt/interrupt.h - SIGINT and SIGTERM end a run in order.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_INTERRUPT_H
#define ROOST_RT_INTERRUPT_H

struct roosti_run;

/* Takes the two signals unless the run leaves them alone or another run holds them. */
int roosti_interrupt_hold(struct roosti_run *run);
void roosti_interrupt_release(struct roosti_run *run);

/* Acts on the signals that have come since the last call. */
void roosti_interrupt_deliver(struct roosti_run *run);

#endif
