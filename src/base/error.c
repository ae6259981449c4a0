/* base/error.c - names and texts of error codes, and the version.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/error.h>

#include <string.h>

const char *roost_version(void)
{
    return ROOST_VERSION_STRING;
}

const char *roost_error_name(int code)
{
    if (code >= 0)
        return "OK";
#define ERROR_NAME(name, value, text)                                                              \
    case (value):                                                                                  \
        return "ROOST_" #name;
    switch (code) {
        ROOST_ERROR_MAP(ERROR_NAME)
    default:
        break;
    }
#undef ERROR_NAME
    const char *name = strerrorname_np(-code);
    return name ? name : "E?";
}

const char *roost_error_text(int code)
{
    if (code >= 0)
        return "success";
#define ERROR_TEXT(name, value, text)                                                              \
    case (value):                                                                                  \
        return (text);
    switch (code) {
        ROOST_ERROR_MAP(ERROR_TEXT)
    default:
        break;
    }
#undef ERROR_TEXT
    const char *text = strerrordesc_np(-code);
    return text ? text : "unknown error";
}
