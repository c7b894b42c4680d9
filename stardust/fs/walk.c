/*
 * From a path to a node. Links on the way are not spliced into the path: what is left of it waits on a stack,
 * as in Linux, while the link's own text is followed.
 */
#include "fs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../posix/file.h"

struct walk {
    struct sd_node *at; /* where it stands, with a reference */
    const char *text;   /* what is left, of the innermost link */
    int flags, links;   /* links so far, and as many texts and links wait */
    struct {
        const char *text;
        struct sd_node *link; /* holds the text that is inside of it */
    } waiting[SD_LINK_MAX];
    unsigned depth;
};

static void move(struct walk *walk, struct sd_node *to)
{
    sd_node_put(walk->at);
    walk->at = to;
}

static void pop(struct walk *walk)
{
    walk->depth--;
    walk->text = walk->waiting[walk->depth].text;
    sd_node_put(walk->waiting[walk->depth].link);
}

/* Goes on to the next word. False at the end; *slash when slashes were skipped. */
static bool find_word(struct walk *walk, bool *slash)
{
    for (;;) {
        for (; *walk->text == '/'; walk->text++)
            *slash = true;
        if (*walk->text)
            return true;
        if (!walk->depth)
            return false;
        pop(walk);
    }
}

/* Whether another word follows; does not give back the links that end here. */
static bool word_follows(const struct walk *walk, const char *text, bool *slash)
{
    for (unsigned depth = walk->depth;; text = walk->waiting[--depth].text) {
        for (; *text == '/'; text++)
            *slash = true;
        if (*text || !depth)
            return *text;
    }
}

static struct sd_node *uppermost(struct sd_node *node)
{
    while (node->covered) {
        struct sd_node *root = sd_node_get(node->covered->root);

        sd_node_put(node);
        node = root;
    }
    return node;
}

static void up(struct walk *walk)
{
    struct sd_node *at = walk->at;

    while (at == at->mount->root && at->mount->place)
        at = at->mount->place;
    move(walk, uppermost(sd_node_get(at->ops->parent(at))));
}

/* Goes on with what a link says; takes over the reference to it. */
static int push(struct walk *walk, struct sd_node *link)
{
    const char *target = link->ops->target(link);

    walk->waiting[walk->depth].text = walk->text;
    walk->waiting[walk->depth].link = link;
    walk->depth++;
    walk->text = target;
    if (*target != '/')
        return 0;
    move(walk, sd_node_get(sd_fs_root()));
    return 0;
}

/* A link that is to be followed; takes over the reference. 1: it stands for a node or a file, which is now in
 * the place. */
static int follow(struct walk *walk, struct sd_node *link, struct sd_place *place)
{
    struct sd_node *node = NULL;
    int error;

    if (++walk->links > SD_LINK_MAX) {
        sd_node_put(link);
        return -ELOOP;
    }
    if (!link->ops->jump)
        return push(walk, link);
    error = link->ops->jump(link, &node, &place->file);
    sd_node_put(link);
    if (error)
        return error;
    place->node = node;
    return 1;
}

/* The word at walk->text, which is neither "." nor "..". 1 when the place is complete. */
static int take_word(struct walk *walk, const char *word, size_t length, bool is_last, struct sd_place *place)
{
    bool follows =
        !is_last || walk->flags & SD_WALK_FOLLOW || (place->slash && !(walk->flags & SD_WALK_KEEP));
    struct sd_node *found = NULL;
    int error = walk->at->ops->lookup(walk->at, word, length, &found);

    if (error && (error != -ENOENT || !is_last))
        return error;
    if (found)
        found = uppermost(found);
    if (found && follows && sd_node_is(found, S_IFLNK)) {
        int result = follow(walk, found, place);

        if (result <= 0)
            return result;
        if (is_last) {
            place->last = SD_LAST_DOT;
            return 1;
        }
        if (place->file)
            return -ENOTDIR;
        found = place->node;
        place->node = NULL;
    }
    if (!is_last) {
        move(walk, found);
        return 0;
    }
    place->last = SD_LAST_WORD;
    place->directory = sd_node_get(walk->at);
    place->node = found;
    memcpy(place->name, word, length);
    place->name[length] = '\0';
    place->length = length;
    return 1;
}

static int step(struct walk *walk, struct sd_place *place)
{
    const char *word = walk->text;
    size_t length = strcspn(word, "/");
    bool slash = false, is_last = !word_follows(walk, word + length, &slash);

    if (!sd_node_is(walk->at, S_IFDIR))
        return -ENOTDIR;
    if (length > SD_NAME_MAX)
        return -ENAMETOOLONG;
    if (is_last)
        place->slash |= slash;
    walk->text += length;
    if (length == 1 && word[0] == '.') {
        place->last = SD_LAST_DOT;
    } else if (length == 2 && word[0] == '.' && word[1] == '.') {
        place->last = SD_LAST_DOTS;
        up(walk);
    } else {
        return take_word(walk, word, length, is_last, place);
    }
    return 0;
}

int sd_walk(struct sd_node *from, const char *path, int flags, struct sd_place *place)
{
    struct walk walk;
    bool slash = false;
    int result = 0;

    if (!*path)
        return -ENOENT;
    if (!sd_fs_root())
        return -ENOMEM;
    walk.at = sd_node_get(*path == '/' ? sd_fs_root() : from);
    walk.text = path;
    walk.flags = flags;
    walk.links = 0;
    walk.depth = 0;
    place->directory = place->node = NULL;
    place->file = NULL;
    place->last = SD_LAST_ROOT;
    place->slash = false;
    while (!result && find_word(&walk, &slash))
        result = step(&walk, place);
    while (walk.depth)
        pop(&walk);
    if (!result)
        place->node = sd_node_get(walk.at);
    sd_node_put(walk.at);
    if (result < 0)
        sd_place_put(place);
    return result < 0 ? result : 0;
}

int sd_walk_to(struct sd_node *from, const char *path, int flags, struct sd_place *place)
{
    int error = sd_walk(from, path, flags, place);

    if (error)
        return error;
    if (!place->node && !place->file)
        error = -ENOENT;
    else if (place->slash && (place->file || !sd_node_is(place->node, S_IFDIR)))
        error = -ENOTDIR;
    if (error)
        sd_place_put(place);
    return error;
}

void sd_place_put(struct sd_place *place)
{
    sd_node_put(place->directory);
    sd_node_put(place->node);
    if (place->file)
        sd_file_put(place->file);
    place->directory = place->node = NULL;
    place->file = NULL;
}
