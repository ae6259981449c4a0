/* examples/33_files.c - reading, writing and going through files without holding up other tasks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

/* A whole file. */
ROOST_ASYNC(read_file, const char *, path, char **, text)
{
    return roost_file_read_text(path, 0, text);
}

/* A whole file again: all of it is there, or what was there before, also after a crash. */
ROOST_ASYNC(write_file, const char *, path, const char *, content)
{
    return roost_file_write_all(path, content, strlen(content),
                                &(roost_write_opts){.atomic = true});
}

/* Line by line, in constant memory. Each line is lent by the file's buffer. */
ROOST_ASYNC(count_errors, const char *, path, int *, count)
{
    ROOST_AUTO(file) roost_file *file = NULL;
    ROOST_TRY(roost_file_open(path, "r", NULL, &file));
    int rc;
    ROOST_LINES(file, line, rc)
    {
        if (line.len >= 5 && memcmp(line.data, "ERROR", 5) == 0)
            ++*count;
    }
    return rc;
}

/* Buffered: many small writes are one. Closing reports what could not be written. */
ROOST_ASYNC(write_log, const char *, path)
{
    roost_file *log;
    int rc = 0;
    ROOST_TRY(roost_file_open(path, "w", NULL, &log));
    for (int i = 0; i < 1000 && rc >= 0; i++) {
        char line[40];
        int len = snprintf(line, sizeof line, "%s request %d\n", i % 10 ? "INFO" : "ERROR", i);
        rc = (int)roost_file_write(log, line, (size_t)len);
    }
    int closed = roost_file_close(log);
    return rc < 0 ? rc : closed;
}

ROOST_MAIN(argc, argv)
{
    (void)argc;
    (void)argv;
    ROOST_AUTO(temp) roost_temp temp = {.path = ""};
    ROOST_AUTO(memory) char *text = NULL;
    char greeting[ROOST_TEMP_PATH_MAX], log[ROOST_TEMP_PATH_MAX];
    int errors = 0;
    ROOST_TRY(roost_temp_dir(NULL, &temp));
    ROOST_TRY(roost_path_join(temp.path, "greeting.txt", greeting, sizeof greeting));
    ROOST_TRY(roost_path_join(temp.path, "service.log", log, sizeof log));

    ROOST_TRY(write_file(greeting, "Hello, files!\n"));
    ROOST_TRY(read_file(greeting, &text));
    printf("%s", text);

    ROOST_TRY(write_log(log));
    ROOST_TRY(count_errors(log, &errors));
    printf("%d errors\n", errors);
    return 0; /* the directory goes with its scope */
}
