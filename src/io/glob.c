/* io/glob.c - finding paths by pattern.
 *
 * One job: braces are written out as patterns of their own, and each pattern is followed part by
 * part. A plain part is gone into without reading its directory. The names that a part finds are
 * collected before they are gone into, so that one directory is open at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/mem.h"
#include "io/dir.h"
#include "io/glob_match.h"
#include "io/strings.h"
#include "port/file_flags.h"

enum { FOUND_MAX = 1000000, BRACES_MAX = 1000, DEPTH_MAX = 64 };

struct glob {
    const char *pattern;
    roost_glob_opts opts;
    struct roosti_strings patterns;
    struct roosti_strings found;
    struct roosti_dir_reader reader;
};

/* -- braces ------------------------------------------------------------------------------------ */

/* The end of the brace at `at` (a '{'), or NULL. */
static const char *brace_end(const char *at)
{
    int depth = 0;
    for (; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == '{')
            depth++;
        else if (*at == '}' && --depth == 0)
            return at;
    }
    return NULL;
}

static const char *brace_find(const char *at)
{
    for (; *at && *at != '{'; at++) {
        if (*at == '\\' && at[1])
            at++;
    }
    return *at ? at : NULL;
}

/* The end of the alternative at `at`: a comma of this level, or the closing brace. */
static const char *choice_end(const char *at, const char *end)
{
    int depth = 0;
    for (; at < end; at++) {
        if (*at == '\\')
            at++;
        else if (*at == '{')
            depth++;
        else if (*at == '}')
            depth--;
        else if (*at == ',' && depth == 0)
            break;
    }
    return at < end ? at : end;
}

/* Writes the first brace of each pattern out, until none is left. */
static int braces_expand(struct glob *glob)
{
    struct roosti_strings todo = {0};
    int rc = roosti_strings_add(&todo, "", glob->pattern);
    size_t at = 0;
    while (rc == 0 && at < todo.len) {
        char whole[PATH_MAX], made[PATH_MAX];
        const char *next = roosti_strings_next(&todo, &at);
        size_t len = strlen(next);
        if (len >= sizeof whole || todo.count > BRACES_MAX) {
            rc = len >= sizeof whole ? -ENAMETOOLONG : ROOST_EOVERFLOW;
            break;
        }
        memcpy(whole, next, len + 1);
        const char *brace = brace_find(whole);
        if (!brace) {
            rc = roosti_strings_add(&glob->patterns, "", whole);
            continue;
        }
        const char *end = brace_end(brace);
        if (!end)
            rc = ROOST_EINVAL;
        const char *choice = brace + 1;
        while (rc == 0 && choice <= end) {
            const char *stop = choice_end(choice, end);
            size_t head = (size_t)(brace - whole), middle = (size_t)(stop - choice);
            memcpy(made, whole, head);
            memcpy(made + head, choice, middle);
            memcpy(made + head + middle, end + 1, strlen(end + 1) + 1);
            rc = roosti_strings_add(&todo, "", made);
            choice = stop + 1;
        }
    }
    roosti_strings_fini(&todo);
    return rc;
}

/* -- following --------------------------------------------------------------------------------- */

static int glob_follow(struct glob *glob, char *path, size_t len, const char *pattern, int depth);

static int glob_found(struct glob *glob, const char *path)
{
    size_t max = glob->opts.max ? glob->opts.max : FOUND_MAX;
    return glob->found.count < max ? roosti_strings_add(&glob->found, "", path) : ROOST_EOVERFLOW;
}

/* Mode of what a path leads to, or a code. Links are followed where the path goes on. */
static int64_t path_mode(const char *path, bool last)
{
    struct roosti_file_stat about;
    struct roosti_file_call call = {.what = ROOSTI_FILE_STAT,
                                    .path = path,
                                    .flags = last ? (unsigned)ROOSTI_FILE_NO_FOLLOW : 0u,
                                    .stat = &about};
    int64_t rc = roosti_file_do(-1, &call);
    return rc < 0 ? rc : (int64_t)about.mode;
}

static bool is_fatal(int64_t rc)
{
    return rc == ROOST_ENOMEM || rc == ROOST_ECANCELED || rc == ROOST_ETIMEDOUT;
}

/* Puts a name behind the path: its new length, or 0 when it would be too long. */
static size_t path_add(char *path, size_t len, const char *name, size_t name_len)
{
    bool slash = len > 0 && path[len - 1] != '/';
    if (len + slash + name_len >= PATH_MAX)
        return 0;
    if (slash)
        path[len] = '/';
    memcpy(path + len + slash, name, name_len);
    path[len + slash + name_len] = '\0';
    return len + slash + name_len;
}

/* One name of a directory, and what the rest of the pattern finds in it. */
static int glob_into(struct glob *glob, char *path, size_t len, const char *name, const char *rest,
                     int depth)
{
    size_t longer = path_add(path, len, name, strlen(name));
    int rc = longer ? glob_follow(glob, path, longer, rest, depth) : 0;
    path[len] = '\0';
    return rc;
}

/* The names of a directory that a part of a pattern describes; NULL: all its directories. The kind
 * stands before each. */
static int glob_names(struct glob *glob, const char *path, const char *part, size_t part_len,
                      struct roosti_strings *names)
{
    const struct roosti_entry *entry;
    int rc = roosti_dir_begin(&glob->reader, path[0] ? path : ".", true);
    bool hidden = glob->opts.hidden || (part && part[0] == '.');
    while (rc >= 0 && (rc = roosti_dir_step(&glob->reader, &entry)) > 0) {
        if (entry->name[0] == '.' && !hidden)
            continue;
        int match = 1;
        if (part)
            match = roosti_glob_name(part, part_len, entry->name, strlen(entry->name));
        else if (entry->kind != 0 && roosti_entry_kind(entry->kind) != ROOST_FILE_DIR)
            match = 0;
        if (match < 0)
            rc = match;
        else if (match > 0)
            rc = roosti_strings_add(names, "", entry->name);
    }
    roosti_dir_end(&glob->reader);
    return rc < 0 && (is_fatal(rc) || rc == ROOST_EINVAL) ? rc : 0;
}

static int glob_wild(struct glob *glob, char *path, size_t len, const char *part, size_t part_len,
                     const char *rest, int depth)
{
    struct roosti_strings names = {0};
    size_t at = 0;
    const char *name;
    int rc = glob_names(glob, path, part, part_len, &names);
    while (rc == 0 && (name = roosti_strings_next(&names, &at)) != NULL)
        rc = glob_into(glob, path, len, name, rest, depth);
    roosti_strings_fini(&names);
    return rc;
}

/* "**": the rest here, and the same again in every directory. */
static int glob_deep(struct glob *glob, char *path, size_t len, const char *part, const char *rest,
                     int depth)
{
    struct roosti_strings names = {0};
    size_t at = 0;
    const char *name;
    int rc = depth < DEPTH_MAX ? glob_names(glob, path, NULL, 0, &names) : 0;
    if (rc == 0)
        rc = glob_follow(glob, path, len, *rest ? rest : "*", depth);
    while (rc == 0 && (name = roosti_strings_next(&names, &at)) != NULL) {
        size_t longer = path_add(path, len, name, strlen(name));
        int64_t mode = longer ? path_mode(path, true) : 0;
        if (longer && mode > 0 && S_ISDIR((mode_t)mode))
            rc = glob_follow(glob, path, longer, part, depth + 1);
        else if (is_fatal(mode))
            rc = (int)mode;
        path[len] = '\0';
    }
    roosti_strings_fini(&names);
    return rc;
}

/* path: what has been found so far, in a buffer of PATH_MAX. */
static int glob_follow(struct glob *glob, char *path, size_t len, const char *pattern, int depth)
{
    const char *part = pattern + strspn(pattern, "/");
    size_t part_len = strcspn(part, "/");
    if (part_len == 0) {
        /* A slash at the end asks for a directory. */
        int64_t mode = path_mode(path, *pattern == '\0');
        if (mode < 0 || (*pattern == '/' && !S_ISDIR((mode_t)mode)))
            return is_fatal(mode) ? (int)mode : 0;
        return glob_found(glob, path);
    }
    const char *rest = part + part_len;
    if (part_len == 2 && memcmp(part, "**", 2) == 0)
        return glob_deep(glob, path, len, part, rest, depth);
    if (roosti_glob_is_wild(part, part_len))
        return glob_wild(glob, path, len, part, part_len, rest, depth);
    size_t longer = path_add(path, len, part, part_len);
    int rc = longer ? glob_follow(glob, path, longer, rest, depth) : 0;
    path[len] = '\0';
    return rc;
}

ROOST_ASYNC(glob_run, struct glob *, glob)
{
    size_t at = 0;
    const char *pattern;
    char *path = roosti_alloc(PATH_MAX, "path of a pattern");
    int rc = path ? braces_expand(glob) : ROOST_ENOMEM;
    while (rc == 0 && (pattern = roosti_strings_next(&glob->patterns, &at)) != NULL) {
        bool absolute = pattern[0] == '/';
        memcpy(path, absolute ? "/" : "", absolute ? 2 : 1);
        if (pattern[0] != '\0')
            rc = glob_follow(glob, path, absolute, pattern + absolute, 0);
    }
    roosti_dir_fini(&glob->reader);
    roosti_free(path);
    return rc;
}

int roost_glob(const char *pattern, const roost_glob_opts *opts, char ***paths, size_t *count)
{
    struct glob glob = {.pattern = pattern, .reader = {.fd = -1}};
    if (opts)
        glob.opts = *opts;
    int rc = roosti_file_job(ROOST_CALL(glob_run, &glob));
    if (rc == 0)
        rc = roosti_strings_give(&glob.found, true, paths, count);
    roosti_strings_fini(&glob.patterns);
    roosti_strings_fini(&glob.found);
    return rc;
}
