/*
 * A ring of requests and responses in a page shared with a backend (xen/io/ring.h), from the front's side:
 * the one place where such a page is read or written.
 *
 * Requests are put into free slots and published together. Of the other end only two numbers are read, its
 * response producer and its wish for an event, each once for a decision; a producer that claims more
 * responses than there are requests out breaks the ring, for good. A response is copied to private memory
 * once, and only the copy is looked at. Indices run freely and wrap at 2^32.
 *
 * Any context, under the caller's lock.
 */
#ifndef XENLIB_RING_H
#define XENLIB_RING_H

#include <xenlib/types.h>

/* The shared page, whatever its slots hold. */
struct xen_ring_page {
    uint32_t req_prod, req_event; /* requests: ours; when the backend wants an event */
    uint32_t rsp_prod, rsp_event; /* responses: the backend's; when we want an event */
    uint8_t reserved[48];
    uint8_t slots[4032];
};

struct xen_ring {
    struct xen_ring_page *shared;
    uint32_t slot_bytes;
    uint32_t size;      /* slots, a power of two */
    uint32_t produced;  /* requests put */
    uint32_t published; /* … and shown to the backend */
    uint32_t consumed;  /* responses got */
    bool broken;
};

/*
 * Makes `page`, which need not be clear, an empty ring whose indices start at `first`. `slot_bytes` is the
 * larger of request and response, at most 4,032. The backend asks for an event with the first request; we
 * with the first response.
 */
void xen_ring_init(struct xen_ring *ring, void *page, uint32_t slot_bytes, uint32_t first);

/* The slot that an index falls on: slots repeat every `size` indices. */
static inline uint32_t xen_ring_slot(const struct xen_ring *ring, uint32_t index)
{
    return index & (ring->size - 1);
}

/* Requests that can be put now. */
static inline uint32_t xen_ring_free(const struct xen_ring *ring)
{
    return ring->size - (ring->produced - ring->consumed);
}

/* Requests published and not answered yet. */
static inline uint32_t xen_ring_outstanding(const struct xen_ring *ring)
{
    return ring->published - ring->consumed;
}

/* Copies a request of `bytes` (at most slot_bytes) into the next slot, which must be free. */
static inline void xen_ring_put(struct xen_ring *ring, const void *request, size_t bytes)
{
    uint32_t slot = xen_ring_slot(ring, ring->produced++);

    __builtin_memcpy(ring->shared->slots + (size_t)slot * ring->slot_bytes, request, bytes);
}

/* Shows the backend what was put. Returns whether it wants an event for that. */
bool xen_ring_publish(struct xen_ring *ring);

/*
 * How many responses are there to get. 0, or -EPROTO when the backend claims more than it can have: the ring
 * is broken, and this answer stays.
 */
int xen_ring_pending(struct xen_ring *ring, uint32_t *count) xen_must_check;

/* Copies the next response out. There must be one pending; one count is good for as many calls. */
static inline void xen_ring_get(struct xen_ring *ring, void *response, size_t bytes)
{
    uint32_t slot = xen_ring_slot(ring, ring->consumed++);

    __builtin_memcpy(response, ring->shared->slots + (size_t)slot * ring->slot_bytes, bytes);
    /* The copy is what was read: without this the compiler might read the slot again instead. */
    __asm__ volatile("" ::: "memory");
}

/*
 * Asks for an event when `ahead` more responses (at least 1) are there, and then looks whether they are
 * already: in that case *ready is true, no event may come, and the caller goes on getting. 0 or -EPROTO.
 */
int xen_ring_arm(struct xen_ring *ring, uint32_t ahead, bool *ready) xen_must_check;

#endif
