/* port/file_flags.h - the words of the system in which files are opened and described: O_* of OPEN,
 * S_IS* of a mode, DT_* of an entry, PATH_MAX.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_FILE_FLAGS_H
#define ROOST_PORT_FILE_FLAGS_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#endif
