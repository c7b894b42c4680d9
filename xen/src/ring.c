#include <xenlib/ring.h>

#include <errno.h>
#include <string.h>

#include <xensys/abi.h>

_Static_assert(offsetof(struct xen_ring_page, req_event) == offsetof(struct netif_tx_sring, req_event), "");
_Static_assert(offsetof(struct xen_ring_page, rsp_prod) == offsetof(struct netif_tx_sring, rsp_prod), "");
_Static_assert(offsetof(struct xen_ring_page, rsp_event) == offsetof(struct netif_tx_sring, rsp_event), "");
_Static_assert(offsetof(struct xen_ring_page, slots) == offsetof(struct netif_tx_sring, ring), "");
_Static_assert(sizeof(struct xen_ring_page) == XEN_PAGE_SIZE, "");

void xen_ring_init(struct xen_ring *ring, void *page, uint32_t slot_bytes, uint32_t first)
{
    uint32_t size = 1;

    while ((size_t)size * 2 * slot_bytes <= sizeof ring->shared->slots)
        size *= 2;
    *ring = (struct xen_ring){
        .shared = page,
        .slot_bytes = slot_bytes,
        .size = size,
        .produced = first,
        .published = first,
        .consumed = first,
    };
    memset(page, 0, XEN_PAGE_SIZE);
    ring->shared->req_prod = first;
    ring->shared->rsp_prod = first;
    ring->shared->req_event = first + 1;
    ring->shared->rsp_event = first + 1;
}

bool xen_ring_publish(struct xen_ring *ring)
{
    uint32_t before = ring->published, now = ring->produced;

    if (before == now)
        return false;
    ring->published = now;
    /* Read by the backend, which must find the requests complete. */
    __atomic_store_n(&ring->shared->req_prod, now, __ATOMIC_RELEASE);
    /* It asks for an event and looks again; we publish and look whether it asks: one of the two sees it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return now - READ_ONCE(ring->shared->req_event) < now - before;
}

int xen_ring_pending(struct xen_ring *ring, uint32_t *count)
{
    uint32_t pending;

    if (ring->broken)
        return -EPROTO;
    pending = __atomic_load_n(&ring->shared->rsp_prod, __ATOMIC_ACQUIRE) - ring->consumed;
    if (pending > xen_ring_outstanding(ring)) {
        ring->broken = true;
        return -EPROTO;
    }
    *count = pending;
    return 0;
}

int xen_ring_arm(struct xen_ring *ring, uint32_t ahead, bool *ready)
{
    uint32_t pending;
    int error;

    /* Read by the backend when it publishes responses; the fence pairs with the one it has there. */
    WRITE_ONCE(ring->shared->rsp_event, ring->consumed + ahead);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    error = xen_ring_pending(ring, &pending);
    if (!error)
        *ready = pending >= ahead;
    return error;
}
