/*
 * A circular doubly linked list whose links live in the elements.
 *
 * An empty head, and an element in no list, point to themselves. Nothing here allocates, fails or locks.
 */
#ifndef XENLIB_LIST_H
#define XENLIB_LIST_H

#include <stdbool.h>

struct xen_list {
    struct xen_list *next, *prev;
};

#define XEN_LIST_INIT(head) ((struct xen_list){&(head), &(head)})

static inline void xen_list_init(struct xen_list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool xen_list_is_empty(const struct xen_list *head)
{
    return head->next == head;
}

/* Inserts `element` before `place`: at the tail, when `place` is the head. */
static inline void xen_list_insert(struct xen_list *place, struct xen_list *element)
{
    element->next = place;
    element->prev = place->prev;
    place->prev->next = element;
    place->prev = element;
}

/* Takes `element` out of its list; harmless when it is in none. */
static inline void xen_list_remove(struct xen_list *element)
{
    element->prev->next = element->next;
    element->next->prev = element->prev;
    xen_list_init(element);
}

/* For every element from the first to the last; the body may remove `item`, nothing else. */
#define xen_list_each(item, head)                                                                            \
    for (struct xen_list *item = (head)->next, *item##_next = item->next; item != (head);                    \
         item = item##_next, item##_next = item->next)

#endif
