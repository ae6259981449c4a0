/* rt/report.h - the few lines the runtime prints of its own accord, all on standard error.
 *
 * Reports speak of mistakes in the program (debug level 1), of a failure nobody else would tell,
 * or of a fallback. Each is one line that begins with "roost: ".
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_REPORT_H
#define ROOST_RT_REPORT_H

#include <stdarg.h>
#include <stddef.h>

#include <roost/config.h>
#include <roost/error.h>

/* One line, cut to 500 bytes, written with one call so that lines of threads do not mix. */
void roosti_report(const char *format, ...) ROOST_PRINTF(1, 2);

/* Text built piece by piece into a fixed buffer, cut at its end. */
struct roosti_text {
    char *buf;
    size_t size;
    size_t len;
};
void roosti_text_add(struct roosti_text *text, const char *format, ...) ROOST_PRINTF(2, 3);

#endif
