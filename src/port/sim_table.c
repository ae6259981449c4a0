/* port/sim_table.c - the descriptors of the simulated port.
 *
 * A new descriptor gets the lowest free number, as in a process: code that keeps a number past its
 * close soon talks to somebody else, and the test sees it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

struct roosti_sim_file *roosti_sim_file_at(struct roosti_sim *sim, int fd)
{
    return fd >= 0 && (size_t)fd < sim->file_size ? sim->files[fd] : NULL;
}

struct roosti_sim_file *roosti_sim_file_new(enum roosti_sim_kind kind)
{
    struct roosti_sim_file *file = roosti_alloc_zero(1, sizeof *file, "simulated descriptor");
    if (file) {
        file->kind = kind;
        roosti_list_init(&file->waiting);
        roosti_list_init(&file->datagrams);
    }
    return file;
}

/* size: a multiple of 64. */
static int table_grow(struct roosti_sim *sim, size_t size)
{
    size_t pointers = size * sizeof(struct roosti_sim_file *);
    unsigned char *block =
        roosti_alloc_zero(1, pointers + size / 64 * sizeof(uint64_t), "descriptor table");
    if (!block)
        return ROOST_ENOMEM;
    struct roosti_sim_file **files = (struct roosti_sim_file **)(void *)block;
    uint64_t *taken = (uint64_t *)(void *)(block + pointers);
    if (sim->file_size) {
        memcpy(files, sim->files, sim->file_size * sizeof *files);
        memcpy(taken, sim->taken, sim->file_size / 64 * sizeof *taken);
    } else {
        taken[0] = (1u << ROOSTI_SIM_FIRST_FD) - 1;
    }
    roosti_free(sim->files);
    sim->files = files;
    sim->taken = taken;
    sim->file_size = size;
    return 0;
}

int roosti_sim_fd_reserve(struct roosti_sim *sim, size_t count)
{
    if (sim->file_count + count > sim->file_limit)
        return -EMFILE;
    size_t size = sim->file_size ? sim->file_size : 64;
    while (sim->file_count + count + ROOSTI_SIM_FIRST_FD > size)
        size *= 2;
    return size > sim->file_size ? table_grow(sim, size) : 0;
}

int roosti_sim_fd_give(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    size_t word = 0;
    while (sim->taken[word] == UINT64_MAX)
        word++;
    roosti_assert(word < sim->file_size / 64);
    size_t fd = word * 64 + (size_t)__builtin_ctzll(~sim->taken[word]);
    sim->taken[word] |= UINT64_C(1) << (fd % 64);
    sim->files[fd] = file;
    sim->file_count++;
    file->holders++;
    return (int)fd;
}

void roosti_sim_file_let_go(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    roosti_assert(file->holders > 0);
    if (--file->holders > 0)
        return;
    if (file->kind == ROOSTI_SIM_DISK)
        roosti_sim_disk_close(sim, file);
    else
        roosti_sim_net_close(sim, file);
    roosti_sim_datagram_close(file);
    roosti_free(file);
}

void roosti_sim_fd_take(struct roosti_sim *sim, int fd)
{
    struct roosti_sim_file *file = sim->files[fd];
    sim->files[fd] = NULL;
    sim->taken[fd / 64] &= ~(UINT64_C(1) << (fd % 64));
    sim->file_count--;
    roosti_sim_file_let_go(sim, file);
}

void roosti_sim_fd_forget(struct roosti_port *port, int fd)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, fd);
    if (file)
        roosti_sim_end_ops_of(sim, file, fd, ROOST_ECLOSED);
}

int roosti_sim_fd_close(struct roosti_port *port, int fd)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, fd);
    int rc = file ? 0 : -EBADF;
    if (file) {
        roosti_sim_end_ops_of(sim, file, fd, ROOST_ECLOSED);
        roosti_sim_fd_take(sim, fd);
    }
    roosti_sim_trace_event(sim, 0x200 | (unsigned)ROOSTI_SIM_CALL_CLOSE, fd, rc);
    return rc;
}

void roosti_sim_table_fini(struct roosti_sim *sim)
{
    roosti_assert(sim->file_count == 0);
    roosti_free(sim->files);
}
