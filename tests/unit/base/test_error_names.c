/* tests/unit/base/test_error_names.c - every code has its name and its text.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/error.h>

#include "kit/kit.h"

struct code {
    int value;
    const char *name;
    const char *text;
};

#define CODE(name, value, text) {(value), "ROOST_" #name, (text)},
static const struct code own_codes[] = {ROOST_ERROR_MAP(CODE)};
#undef CODE
enum { OWN_COUNT = sizeof own_codes / sizeof own_codes[0] };

ROOST_TEST(each_code_of_ours_has_a_name_and_a_text, .plain = true)
{
    for (int i = 0; i < OWN_COUNT; i++) {
        CHECK_STR(own_codes[i].name, roost_error_name(own_codes[i].value));
        CHECK_STR(own_codes[i].text, roost_error_text(own_codes[i].value));
        CHECK(strlen(own_codes[i].text) > 3);
        /* From -2000 down, without gaps: below the system's and apart from each other. */
        CHECK_EQ(-2000 - i, own_codes[i].value);
    }
    CHECK_EQ(-2000, ROOST_ECANCELED);
    CHECK_EQ(-2001, ROOST_ETIMEDOUT);
    CHECK(ROOST_ERROR_LAST < own_codes[OWN_COUNT - 1].value);
}

ROOST_TEST(codes_of_the_system_have_theirs, .plain = true)
{
    CHECK_STR("ENOENT", roost_error_name(-ENOENT));
    CHECK_STR("No such file or directory", roost_error_text(-ENOENT));
    CHECK_STR("ECONNRESET", roost_error_name(-ECONNRESET));
    int known = 0;
    for (int code = 1; code < 134; code++) {
        const char *name = roost_error_name(-code);
        const char *text = roost_error_text(-code);
        CHECK(name && text && *name && *text);
        known += strcmp(name, "E?") != 0;
        CHECK((strcmp(name, "E?") == 0) == (strcmp(text, "unknown error") == 0));
    }
    CHECK(known >= 130);
}

ROOST_TEST(codes_the_documentation_names_are_the_systems, .plain = true)
{
    CHECK_EQ(-EAGAIN, ROOST_EAGAIN);
    CHECK_EQ(-EBUSY, ROOST_EBUSY);
    CHECK_EQ(-EINVAL, ROOST_EINVAL);
    CHECK_EQ(-ENOMEM, ROOST_ENOMEM);
    CHECK_EQ(-ENOTSUP, ROOST_ENOTSUP);
    CHECK_EQ(-EPERM, ROOST_EPERM);
    CHECK_EQ(-EOVERFLOW, ROOST_EOVERFLOW);
    CHECK_STR("EINVAL", roost_error_name(ROOST_EINVAL));
}

ROOST_TEST(what_is_no_error_is_none, .plain = true)
{
    CHECK_STR("OK", roost_error_name(0));
    CHECK_STR("OK", roost_error_name(12345));
    CHECK_STR("success", roost_error_text(0));
    CHECK_STR("success", roost_error_text(1));
}

ROOST_TEST(what_nobody_knows_is_unknown, .plain = true)
{
    static const int unknown[] = {-1999, -2019,   -2998,         -2999,
                                  -3000, -100000, INT32_MIN + 1, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        CHECK_STR("E?", roost_error_name(unknown[i]));
        CHECK_STR("unknown error", roost_error_text(unknown[i]));
    }
}

ROOST_TEST(the_version_is_that_of_the_headers, .plain = true)
{
    CHECK_STR(ROOST_VERSION_STRING, roost_version());
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", ROOST_VERSION_MAJOR, ROOST_VERSION_MINOR,
             ROOST_VERSION_PATCH);
    CHECK_STR(text, roost_version());
}
