/*
 * Sockets: what the services ask of each family. Private to stardust/posix and stardust/net. Thread context.
 */
#ifndef STARDUST_POSIX_SOCKET_H
#define STARDUST_POSIX_SOCKET_H

#include "file.h"

struct iovec;
struct sd_socket;

/* The bytes of a message, in the program's memory, which is read or written from the front to the back; or to
 * send, a file's. */
struct sd_message {
    struct sd_file *file;        /* with `lend`; NULL: `vectors` */
    long file_at;                /* where in the file, `within` to be added */
    const struct iovec *vectors; /* the program's; checked */
    int count;
    size_t within;    /* the first one, so many bytes are done */
    size_t bytes;     /* left in all vectors */
    const void *name; /* to send: where to, the kernel's; NULL for none */
    unsigned name_bytes;
    void *name_room; /* to receive: where from, SD_NAME_BYTES of the kernel's; name_bytes says how many are */
    void *control;   /* the program's; as received, control_bytes says how many are */
    size_t control_bytes;
    int flags; /* MSG_*, MSG_DONTWAIT for O_NONBLOCK among them; as received, those of msg_flags */
};

#define SD_NAME_BYTES   128 /* struct sockaddr_storage */
#define SD_OPTION_BYTES 256 /* struct tcp_info, and some */

/*
 * What a family does; results and errors are the system call's. `address`, `value` and their like are the
 * kernel's memory. What is NULL gives EOPNOTSUPP, of the options' ENOPROTOOPT.
 */
struct sd_socket_ops {
    long (*connect)(struct sd_socket *socket, const void *address, unsigned bytes);
    long (*bind)(struct sd_socket *socket, const void *address, unsigned bytes);
    long (*listen)(struct sd_socket *socket, int backlog);
    /* A new socket, whose reference the caller gets. Waits as file.flags say. */
    long (*accept)(struct sd_socket *socket, struct sd_socket **accepted);
    long (*sendmsg)(struct sd_socket *socket, struct sd_message *message);
    long (*recvmsg)(struct sd_socket *socket, struct sd_message *message);
    long (*shutdown)(struct sd_socket *socket, int how);
    /* What the services do not know themselves: SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_RCVTIMEO, SO_SNDTIMEO.
     * `value` has room for SD_OPTION_BYTES; *bytes says how many are given. */
    long (*getsockopt)(struct sd_socket *socket, int level, int option, void *value, unsigned *bytes);
    long (*setsockopt)(struct sd_socket *socket, int level, int option, const void *value, unsigned bytes);
    /* The own name or the peer's, at most SD_NAME_BYTES; *bytes says how many. */
    long (*name)(struct sd_socket *socket, bool peer, void *address, unsigned *bytes);
};

struct sd_socket {
    struct sd_file file; /* its operations: SD_SOCKET_FILE_OPS, and the family's ready, readiness, close */
    const struct sd_socket_ops *ops;
    int family, type, protocol;
    uint64_t receive_ns, send_ns; /* SO_RCVTIMEO, SO_SNDTIMEO; 0: none */
};

/* A socket's part of its file's operations: how a socket is told from other files. */
#define SD_SOCKET_FILE_OPS                                                                                   \
    .read = sd_socket_read, .write = sd_socket_write, .vectored = sd_socket_vectored, .stat = sd_socket_stat
long sd_socket_read(struct sd_file *file, void *buffer, size_t bytes);
long sd_socket_write(struct sd_file *file, const void *buffer, size_t bytes);
long sd_socket_vectored(struct sd_file *file, bool out, const struct iovec *vectors, int count);
void sd_socket_stat(struct sd_file *file, struct stat *status);

/* The socket behind a descriptor, with a reference; NULL and -EBADF or -ENOTSOCK. */
struct sd_socket *sd_socket_get(int fd, long *error);
void sd_socket_put(struct sd_socket *socket);

/* The next bytes of the message's vectors, in and out, at most message->bytes. 0 or -EFAULT. */
int sd_message_in(struct sd_message *message, void *to, size_t bytes) xen_must_check;
int sd_message_out(struct sd_message *message, const void *from, size_t bytes) xen_must_check;

/* Where the next bytes to send lie, and how many in one piece: 1 at least, when message->bytes is not 0. 0,
 * -EFAULT, -ENODATA where the file ends. The program's are not checked to be there; a file's stay until the
 * caller waits. Then: so many of them are done. */
int sd_message_piece(struct sd_message *message, const char **at, size_t *bytes) xen_must_check;
void sd_message_skip(struct sd_message *message, size_t bytes);

/* Sends from a file that can lend, to a file that is a stream socket: how many bytes, or an errno as write's;
 * -ENOTSOCK when it is none. Weak in its user: without sockets in the image there is none. */
long sd_socket_sendfile(struct sd_file *to, struct sd_file *from, long at, size_t bytes);

/* When a call that waits gives up: XEN_FOREVER, or the time-out's end, when it gives EAGAIN. */
uint64_t sd_socket_deadline(uint64_t timeout_ns);

/* SIGPIPE for -EPIPE, unless the message says MSG_NOSIGNAL. */
void sd_socket_broken(const struct sd_message *message);

#endif
