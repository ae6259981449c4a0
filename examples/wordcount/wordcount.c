/* examples/wordcount/wordcount.c - counts lines, words and bytes of a directory tree.
 *
 *   wordcount [DIRECTORY]
 *
 * The program of `make demo`: many files are read at the same time by tasks of one loop, another
 * task shows how far they are, and Ctrl-C ends it in order with what has been counted so far.
 *
 * Exit status: 0; 1 when something could not be read; 2 for wrong arguments; 130 after Ctrl-C.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "count.h"

enum { TOP_WORDS = 10, EXIT_UNREAD = 1, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: wordcount [DIRECTORY]\n"
    "Counts the regular files below DIRECTORY (default: .), without .git and build.\n";

/* -- while it runs ------------------------------------------------------------------------------*/

static double seconds_since(roost_time began)
{
    roost_dur elapsed = roost_now() - began;
    return (double)(elapsed > 0 ? elapsed : 1) / (double)ROOST_SEC(1);
}

static void progress_print(const struct tally *tally, roost_time began)
{
    double megabytes = (double)tally->bytes / 1e6;
    printf("%" PRIu64 " files  %.1f MB  %" PRIu64 " words  %.1f MB/s", tally->files, megabytes,
           tally->words, megabytes / seconds_since(began));
}

/* On a terminal one line that is written over, ten times a second; else a line each second. */
ROOST_ASYNC(show_progress, const struct tally *, tally, roost_time, began)
{
    bool terminal = isatty(STDOUT_FILENO);
    int rc;
    while ((rc = roost_sleep(terminal ? ROOST_MS(100) : ROOST_SEC(1))) == 0) {
        fputs(terminal ? "\r\033[K" : "", stdout);
        progress_print(tally, began);
        fputs(terminal ? "" : "\n", stdout);
        fflush(stdout);
    }
    if (terminal) {
        fputs("\r\033[K", stdout);
        progress_print(tally, began);
        fputs("\n", stdout);
    }
    return rc;
}

/* Counts with the display beside it, which ends with the counting. */
ROOST_ASYNC(count_visibly, struct tally *, tally, const char *, root, roost_time, began)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, show_progress, tally, began);
        rc = count_tree(tally, root);
        roost_group_cancel(g, "all is counted");
    }
    return rc;
}

/* -- at the end ---------------------------------------------------------------------------------*/

/* 1234567 as 1,234,567. */
static const char *grouped(uint64_t number, char text[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, number);
    char *end = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *end++ = ',';
        *end++ = digits[i];
    }
    *end = '\0';
    return text;
}

static void row(const char *name, uint64_t number)
{
    char text[32];
    printf("%-12s %15s\n", name, grouped(number, text));
}

/* Control characters would reach the terminal. */
static void text_print(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
    putchar('\n');
}

static void table_words(const struct ranking *ranking)
{
    const struct ranked_word *top[TOP_WORDS];
    char text[32];
    size_t count = ranking_top(ranking, top, TOP_WORDS);
    if (count > 0)
        printf("\nmost frequent words%s\n", ranking->full ? " (of the first million)" : "");
    for (size_t i = 0; i < count; i++) {
        printf("%28s  ", grouped(top[i]->count, text));
        text_print(top[i]->text, top[i]->len);
    }
}

static void table_problems(const struct tally *tally)
{
    if (tally->problem_count > 0)
        printf("\nnot read: %" PRIu64 "\n", tally->problem_count);
    for (size_t i = 0; i < tally->problem_count && i < PROBLEMS_KEPT; i++) {
        const struct problem *problem = &tally->problems[i];
        const char *path = problem->path ? problem->path : "?";
        printf("  %s: ", roost_error_text(problem->code));
        text_print(path, strlen(path));
    }
    if (tally->problem_count > PROBLEMS_KEPT)
        printf("  and %" PRIu64 " more\n", tally->problem_count - PROBLEMS_KEPT);
}

static void table_print(const struct tally *tally, roost_time began)
{
    roost_run_stats stats = {0};
    double seconds = seconds_since(began);
    roost_run_stats_get(&stats);
    row("files", tally->files);
    row("directories", tally->directories);
    row("bytes", tally->bytes);
    row("lines", tally->lines);
    row("words", tally->words);
    row("tasks", stats.tasks_spawned);
    printf("%-12s %15.3f s (%.1f MB/s)\n", "elapsed", seconds,
           (double)tally->bytes / 1e6 / seconds);
    printf("%-12s %15s\n", "backend", roost_backend());
    table_words(&tally->ranking);
    table_problems(tally);
}

/* -- the program --------------------------------------------------------------------------------*/

static int arguments_check(int argc, char **argv, const char **root)
{
    struct stat about;
    if (argc > 2 || (argc == 2 && (argv[1][0] == '-' || argv[1][0] == '\0'))) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    *root = argc == 2 ? argv[1] : ".";
    int rc = stat(*root, &about) < 0 ? -errno : S_ISDIR(about.st_mode) ? 0 : -ENOTDIR;
    if (rc < 0) {
        fprintf(stderr, "wordcount: %s: %s\n%s", *root, roost_error_text(rc), usage);
        return EXIT_USAGE;
    }
    return 0;
}

ROOST_MAIN(argc, argv)
{
    static struct tally tally;
    const char *root;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    int rc = arguments_check(argc, argv, &root);
    if (rc != 0)
        return rc;

    roost_time began = roost_now();
    rc = count_visibly(&tally, root, began);
    if (rc == ROOST_ECANCELED)
        printf("\ninterrupted; counted so far:\n");
    if (rc == 0 || rc == ROOST_ECANCELED)
        table_print(&tally, began);
    if (rc == 0 && tally.problem_count > 0)
        rc = EXIT_UNREAD;
    tally_fini(&tally);
    return rc;
}
