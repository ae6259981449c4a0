/* bench/peers/libuv/echo.c - the echo server on libuv.
 *
 * An answer is tried at once (uv_try_write), which is cheaper than a write request; what does not
 * fit goes the long way. All connections read into one buffer, which nobody needs after the call.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct rest {
    uv_write_t request;
    char bytes[];
};

static char shared[65536];

static void freed(uv_handle_t *handle)
{
    free(handle);
}

static void lend(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    (void)size;
    *buf = uv_buf_init(shared, sizeof shared);
}

static void written(uv_write_t *request, int rc)
{
    (void)rc;
    free(request);
}

static void write_rest(uv_stream_t *conn, const char *bytes, size_t len)
{
    struct rest *rest = malloc(sizeof *rest + len);
    if (!rest)
        abort();
    memcpy(rest->bytes, bytes, len);
    uv_buf_t buf = uv_buf_init(rest->bytes, (unsigned)len);
    if (uv_write(&rest->request, conn, &buf, 1, written) != 0)
        free(rest);
}

static void received(uv_stream_t *conn, ssize_t n, const uv_buf_t *from)
{
    if (n < 0) {
        uv_close((uv_handle_t *)conn, freed);
        return;
    }
    uv_buf_t buf = uv_buf_init(from->base, (unsigned)n);
    int sent = n > 0 ? uv_try_write(conn, &buf, 1) : 0;
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent >= 0 && sent < n)
        write_rest(conn, from->base + sent, (size_t)(n - sent));
}

static void connected(uv_stream_t *listener, int rc)
{
    uv_tcp_t *conn = malloc(sizeof *conn);
    if (rc != 0 || !conn || uv_tcp_init(listener->loop, conn) != 0)
        abort();
    if (uv_accept(listener, (uv_stream_t *)conn) != 0) {
        uv_close((uv_handle_t *)conn, freed);
        return;
    }
    uv_tcp_nodelay(conn, 1);
    uv_read_start((uv_stream_t *)conn, lend, received);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    struct sockaddr_in addr;
    int len = sizeof addr;
    uv_ip4_addr("127.0.0.1", 0, &addr);
    int rc = uv_tcp_init(loop, &listener);
    rc = rc ? rc : uv_tcp_bind(&listener, (const struct sockaddr *)&addr, 0);
    rc = rc ? rc : uv_listen((uv_stream_t *)&listener, 4096, connected);
    rc = rc ? rc : uv_tcp_getsockname(&listener, (struct sockaddr *)&addr, &len);
    if (rc != 0) {
        fprintf(stderr, "listen: %s\n", uv_strerror(rc));
        return 1;
    }
    printf("listening %d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
