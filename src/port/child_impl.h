/* port/child_impl.h - what the files of port/child.h share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_CHILD_IMPL_H
#define ROOST_PORT_CHILD_IMPL_H

/* Closes every descriptor but 0, 1, 2 and this one, which gets the number that is returned. */
int roosti_child_keep_only(int keep);

#endif
