/* examples/34_walk.c - going through a tree, finding by pattern, copying and removing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

ROOST_SUSPENDS static int file_put(const char *root, const char *name, const char *text)
{
    char path[ROOST_TEMP_PATH_MAX];
    ROOST_TRY(roost_path_join(root, name, path, sizeof path));
    return roost_file_write_all(path, text, strlen(text), NULL);
}

ROOST_ASYNC(make_tree, const char *, root)
{
    char path[ROOST_TEMP_PATH_MAX];
    ROOST_TRY(roost_path_join(root, "src/net", path, sizeof path));
    ROOST_TRY(roost_path_make_dirs(path, 0));
    ROOST_TRY(file_put(root, "README", "read me\n"));
    ROOST_TRY(file_put(root, "src/main.c", "int main(void) { return 0; }\n"));
    return file_put(root, "src/net/tcp.c", "/* nothing yet */\n");
}

/* Everything below a directory; break and return end it early. */
ROOST_ASYNC(sum_up, const char *, root)
{
    uint64_t bytes = 0;
    int files = 0, dirs = 0, rc;
    ROOST_WALK_WITH(root, &(roost_walk_opts){.stat = true}, entry, rc)
    {
        files += entry.kind == ROOST_FILE_REGULAR;
        dirs += entry.kind == ROOST_FILE_DIR;
        bytes += entry.kind == ROOST_FILE_REGULAR ? entry.stat.size : 0;
    }
    printf("%d files, %d directories, %d bytes\n", files, dirs, (int)bytes);
    return rc;
}

ROOST_ASYNC(find, const char *, root, const char *, pattern)
{
    char whole[ROOST_TEMP_PATH_MAX];
    char **paths;
    size_t count;
    ROOST_TRY(roost_path_join(root, pattern, whole, sizeof whole));
    ROOST_TRY(roost_glob(whole, NULL, &paths, &count));
    for (size_t i = 0; i < count; i++)
        printf("%s: %s\n", pattern, paths[i] + strlen(root) + 1);
    roost_memory_free((void *)paths);
    return 0;
}

ROOST_MAIN(argc, argv)
{
    (void)argc;
    (void)argv;
    ROOST_AUTO(temp) roost_temp temp = {.path = ""};
    char from[ROOST_TEMP_PATH_MAX], to[ROOST_TEMP_PATH_MAX];
    ROOST_TRY(roost_temp_dir(NULL, &temp));
    ROOST_TRY(make_tree(temp.path));
    ROOST_TRY(sum_up(temp.path));
    ROOST_TRY(find(temp.path, "**/*.c"));

    ROOST_TRY(roost_path_join(temp.path, "README", from, sizeof from));
    ROOST_TRY(roost_path_join(temp.path, "src/README", to, sizeof to));
    ROOST_TRY(roost_path_copy(from, to, &(roost_copy_opts){.atomic = true}));
    ROOST_TRY(find(temp.path, "{*,src/*}"));
    ROOST_TRY(roost_path_join(temp.path, "src", from, sizeof from));
    ROOST_TRY(roost_path_remove_tree(from));
    return sum_up(temp.path);
}
