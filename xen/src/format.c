#include <xenlib/format.h>

#include <string.h>

struct output {
    char *buffer;
    size_t size;
    size_t length; /* of everything so far, also of what did not fit */
};

/* One conversion: %[flags][width][.precision][size]type */
struct spec {
    bool left, zero, alternate;
    bool has_precision;
    size_t width, precision;
    unsigned bytes; /* of an integer argument */
};

/* Longest integer: 2^64 - 1 in decimal. */
#define DIGITS_MAX 20

static void put(struct output *out, const char *text, size_t length)
{
    if (out->length < out->size) {
        size_t room = out->size - out->length;

        memcpy(out->buffer + out->length, text, length < room ? length : room);
    }
    out->length += length;
}

static void pad(struct output *out, char with, size_t count)
{
    if (out->length < out->size) {
        size_t room = out->size - out->length;

        memset(out->buffer + out->length, with, count < room ? count : room);
    }
    out->length += count;
}

static size_t less(size_t from, size_t what)
{
    return from > what ? from - what : 0;
}

/* `prefix` stands before the zeros, the blanks of the width before or after everything. */
static void put_number(struct output *out, const struct spec *spec, const char *prefix, const char *digits,
                       size_t count)
{
    size_t sign = strlen(prefix);
    size_t zeros = less(spec->precision, count);
    size_t blanks;

    if (spec->zero && !spec->left && !spec->has_precision)
        zeros = less(spec->width, sign + count);
    blanks = less(spec->width, sign + zeros + count);

    if (!spec->left)
        pad(out, ' ', blanks);
    put(out, prefix, sign);
    pad(out, '0', zeros);
    put(out, digits, count);
    if (spec->left)
        pad(out, ' ', blanks);
}

static void put_unsigned(struct output *out, const struct spec *spec, const char *prefix, uint64_t value,
                         unsigned base, const char *alphabet)
{
    char digits[DIGITS_MAX];
    size_t at = sizeof(digits);

    for (; value != 0; value /= base)
        digits[--at] = alphabet[value % base];
    /* C: 0 is a digit, unless a precision of 0 asks for none. */
    if (at == sizeof(digits) && !(spec->has_precision && spec->precision == 0))
        digits[--at] = '0';
    put_number(out, spec, prefix, digits + at, sizeof(digits) - at);
}

static void put_string(struct output *out, const struct spec *spec, const char *text, size_t length)
{
    if (!spec->left)
        pad(out, ' ', less(spec->width, length));
    put(out, text, length);
    if (spec->left)
        pad(out, ' ', less(spec->width, length));
}

static size_t parse_decimal(const char **format)
{
    size_t value = 0;

    /* Cut far above any use, so that a long row of digits cannot overflow. */
    for (; **format >= '0' && **format <= '9'; ++*format)
        value = value < 100000 ? value * 10 + (size_t)(**format - '0') : value;
    return value;
}

static void parse_flags(struct spec *spec, const char **format)
{
    for (;; ++*format) {
        if (**format == '-')
            spec->left = true;
        else if (**format == '0')
            spec->zero = true;
        else if (**format == '#')
            spec->alternate = true;
        else
            return;
    }
}

static void parse_size(struct spec *spec, const char **format)
{
    char size = **format;

    spec->bytes = sizeof(int);
    if (size == 'h') {
        ++*format;
        spec->bytes = sizeof(short);
        if (**format == 'h') {
            ++*format;
            spec->bytes = sizeof(char);
        }
    } else if (size == 'l' || size == 'z' || size == 'j' || size == 't') {
        ++*format;
        spec->bytes = sizeof(long); /* all of them have 64 bits here */
        if (size == 'l' && **format == 'l')
            ++*format;
    }
}

/* va_list by pointer only inside a struct: as a parameter it may decay to another type. */
struct arguments {
    va_list list;
};

static void parse_width(struct spec *spec, const char **format, struct arguments *args)
{
    if (**format == '*') {
        int width = va_arg(args->list, int);

        ++*format;
        spec->left = spec->left || width < 0;
        spec->width = width < 0 ? 0 - (size_t)width : (size_t)width;
    } else {
        spec->width = parse_decimal(format);
    }
    if (**format != '.')
        return;
    ++*format;
    spec->has_precision = true;
    if (**format == '*') {
        int precision = va_arg(args->list, int);

        ++*format;
        spec->has_precision = precision >= 0;
        spec->precision = precision < 0 ? 0 : (size_t)precision;
    } else {
        spec->precision = parse_decimal(format);
    }
}

/* The argument as the narrower type would hold it. */
static uint64_t take_integer(const struct spec *spec, struct arguments *args, bool is_signed)
{
    uint64_t value;
    unsigned unused = 64 - 8 * spec->bytes;

    if (spec->bytes == sizeof(long))
        value = va_arg(args->list, unsigned long);
    else
        value = va_arg(args->list, unsigned);
    value <<= unused;
    return is_signed ? (uint64_t)((int64_t)value >> unused) : value >> unused;
}

static void put_signed(struct output *out, const struct spec *spec, uint64_t value)
{
    bool negative = (int64_t)value < 0;

    put_unsigned(out, spec, negative ? "-" : "", negative ? 0 - value : value, 10, "0123456789");
}

static void put_hex(struct output *out, const struct spec *spec, uint64_t value, bool upper)
{
    const char *prefix = spec->alternate && value != 0 ? upper ? "0X" : "0x" : "";

    put_unsigned(out, spec, prefix, value, 16, upper ? "0123456789ABCDEF" : "0123456789abcdef");
}

static void put_text_argument(struct output *out, const struct spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    put_string(out, spec, text, spec->has_precision ? strnlen(text, spec->precision) : strlen(text));
}

/* False for a type that is not known. */
static bool convert(struct output *out, const struct spec *spec, char type, struct arguments *args)
{
    char character;

    switch (type) {
    case 'd':
    case 'i':
        put_signed(out, spec, take_integer(spec, args, true));
        return true;
    case 'u':
        put_unsigned(out, spec, "", take_integer(spec, args, false), 10, "0123456789");
        return true;
    case 'x':
    case 'X':
        put_hex(out, spec, take_integer(spec, args, false), type == 'X');
        return true;
    case 'p':
        put_unsigned(out, spec, "0x", (uintptr_t)va_arg(args->list, void *), 16, "0123456789abcdef");
        return true;
    case 'c':
        character = (char)va_arg(args->list, int);
        put_string(out, spec, &character, 1);
        return true;
    case 's':
        put_text_argument(out, spec, va_arg(args->list, const char *));
        return true;
    case '%':
        put(out, "%", 1);
        return true;
    default:
        return false;
    }
}

size_t xen_vformat(char *buffer, size_t size, const char *format, va_list args)
{
    struct output out = {buffer, size, 0};
    struct arguments rest;

    va_copy(rest.list, args);
    while (*format != '\0') {
        struct spec spec = {0};
        const char *start = format;

        while (*format != '\0' && *format != '%')
            ++format;
        put(&out, start, (size_t)(format - start));
        if (*format == '\0')
            break;

        start = format++;
        parse_flags(&spec, &format);
        parse_width(&spec, &format, &rest);
        parse_size(&spec, &format);
        /* An unknown conversion stands in the text as it is, where a reader sees it. */
        if (!convert(&out, &spec, *format, &rest))
            put(&out, start, (size_t)(format - start) + (*format != '\0'));
        format += *format != '\0';
    }
    va_end(rest.list);

    if (size > 0)
        buffer[out.length < size ? out.length : size - 1] = '\0';
    return out.length;
}

size_t xen_format(char *buffer, size_t size, const char *format, ...)
{
    va_list args;
    size_t length;

    va_start(args, format);
    length = xen_vformat(buffer, size, format, args);
    va_end(args);
    return length;
}
