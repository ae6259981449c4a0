/* port/file_call.h - what is done to files and names beside opening, reading, writing and syncing.
 *
 * One kind of operation (ROOSTI_OP_FILE_CALL) with one record for all of them: most are called
 * rarely, take their time in the kernel and have no entry of io_uring that would be faster than a
 * thread. What cannot block is done inside submit; else submit asks for a thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_FILE_CALL_H
#define ROOST_PORT_FILE_CALL_H

#include "port/port.h"

/* What to do. `fd` is the operation's; a path is relative to the process's directory. */
enum roosti_file_what {
    ROOSTI_FILE_STAT,      /* path (NULL: fd), ROOSTI_FILE_NO_FOLLOW: *stat */
    ROOSTI_FILE_ACCESS,    /* path, mode: as access(2) */
    ROOSTI_FILE_MKDIR,     /* path, mode */
    ROOSTI_FILE_RMDIR,     /* path */
    ROOSTI_FILE_UNLINK,    /* path */
    ROOSTI_FILE_RENAME,    /* path to other; ROOSTI_FILE_NO_REPLACE: -EEXIST when it is there */
    ROOSTI_FILE_LINK,      /* path to other */
    ROOSTI_FILE_LINK_FD,   /* fd, an unnamed file, to other */
    ROOSTI_FILE_SYMLINK,   /* path (the target) to other */
    ROOSTI_FILE_READLINK,  /* path: its target into buf, size; bytes, not terminated */
    ROOSTI_FILE_REALPATH,  /* path: without links, into buf, size; bytes, not terminated */
    ROOSTI_FILE_CHMOD,     /* path, mode */
    ROOSTI_FILE_CHOWN,     /* path, uid, gid (UINT32_MAX: as it is), ROOSTI_FILE_NO_FOLLOW */
    ROOSTI_FILE_TIMES,     /* path: offset accessed, len modified, in ns; INT64_MIN: now,
                              INT64_MAX: as it is */
    ROOSTI_FILE_TRUNCATE,  /* fd, len */
    ROOSTI_FILE_ALLOCATE,  /* fd, offset, len: blocks on the disk, and the size grows */
    ROOSTI_FILE_SYNC_DATA, /* fd */
    ROOSTI_FILE_COPY,      /* fd at offset to fd_to at offset_to, len: bytes, 0 at the end */
    ROOSTI_FILE_CLONE,     /* all of fd becomes fd_to, blocks shared; -EOPNOTSUPP where not */
    ROOSTI_FILE_ENTRIES,  /* fd, a directory: struct roosti_entry into buf, size; bytes, 0 at end */
    ROOSTI_FILE_LOCK,     /* fd, mode (ROOSTI_FILE_LOCK_*), offset, len; -EBUSY: others have it */
    ROOSTI_FILE_ADVISE,   /* fd, mode (posix_fadvise's), offset, len */
    ROOSTI_FILE_MAP,      /* fd, offset, len, mode (PROT_*), ROOSTI_FILE_PRIVATE, _POPULATE:
                             address into *(void **)buf */
    ROOSTI_FILE_UNMAP,    /* buf, len */
    ROOSTI_FILE_SYNC_MAP, /* buf, len */
    ROOSTI_FILE_WATCH,    /* a new inotify descriptor */
    ROOSTI_FILE_WATCH_ADD, /* fd, path, mode (ROOSTI_WATCH_*): a number */
    ROOSTI_FILE_WATCH_DROP /* fd, len: that number */
};

enum {
    ROOSTI_FILE_NO_FOLLOW = 1,
    ROOSTI_FILE_NO_REPLACE = 2,
    ROOSTI_FILE_EXCHANGE = 4,
    ROOSTI_FILE_PRIVATE = 8,
    ROOSTI_FILE_POPULATE = 16
};

enum { ROOSTI_FILE_LOCK_NONE, ROOSTI_FILE_LOCK_SHARED, ROOSTI_FILE_LOCK_EXCLUSIVE };

/* Of a watch: bits of what is asked for and of what is told, and a record as it is read from the
 * descriptor. */
enum {
    ROOSTI_WATCH_MODIFY = 0x2,
    ROOSTI_WATCH_ATTRIB = 0x4,
    ROOSTI_WATCH_CLOSE_WRITE = 0x8,
    ROOSTI_WATCH_MOVED_FROM = 0x40,
    ROOSTI_WATCH_MOVED_TO = 0x80,
    ROOSTI_WATCH_CREATE = 0x100,
    ROOSTI_WATCH_DELETE = 0x200,
    ROOSTI_WATCH_DELETE_SELF = 0x400,
    ROOSTI_WATCH_MOVE_SELF = 0x800,
    ROOSTI_WATCH_OVERFLOW = 0x4000,
    ROOSTI_WATCH_IGNORED = 0x8000,
    ROOSTI_WATCH_IS_DIR = 0x40000000
};

struct roosti_watch_record {
    int32_t number; /* of the watch */
    uint32_t what;
    uint32_t cookie;
    uint32_t name_size; /* bytes that follow */
    char name[];        /* terminated; of the entry in a watched directory */
};

/* As stat(2) has it; times in nanoseconds since 1970. */
struct roosti_file_stat {
    uint64_t size;
    uint64_t blocks; /* bytes on the disk */
    int64_t modified;
    int64_t accessed;
    int64_t changed;
    int64_t born; /* 0: unknown */
    uint64_t inode;
    uint64_t device;
    uint32_t mode; /* kind and permissions, as st_mode */
    uint32_t links;
    uint32_t uid;
    uint32_t gid;
};

/* One entry of a directory, in memory as the kernel's getdents64 has it. */
struct roosti_entry {
    uint64_t inode;
    int64_t cookie;
    uint16_t size; /* of this record */
    uint8_t kind;  /* DT_* */
    char name[];   /* terminated */
};

struct roosti_file_call {
    enum roosti_file_what what;
    int fd_to;
    const char *path;
    const char *other;
    unsigned flags; /* ROOSTI_FILE_* */
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    int64_t offset;
    int64_t offset_to;
    int64_t len;
    void *buf;
    size_t size;
    struct roosti_file_stat *stat;
};

/* posix_file.c, for the real ports. The result, or a negative code; with `cached` -EAGAIN when it
 * could block. */
int64_t roosti_file_call_do(int fd, const struct roosti_file_call *call, bool cached);

#endif
