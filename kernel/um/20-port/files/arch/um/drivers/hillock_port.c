// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hillock: one stream socket of the host as a character device.
 *
 * Theory of operation
 * -------------------
 * The host starts the kernel with `hillock_port=N`, where N is a connected stream socket that the
 * kernel process holds. Reads and writes pass straight through to it, without a line discipline,
 * without echo and without the buffers of a tty; so what PID 1 says to its host is a byte stream
 * with the socket's own back pressure. The end of the stream reads as 0 bytes, for good.
 *
 * The socket is non-blocking and raises SIGIO; the interrupt handlers only wake who waits, and
 * whoever wakes tries again. `poll` needs to know whether a read would succeed, and finds out by
 * reading ahead into one page. `no_room` is set before each write is tried and cleared by
 * success or by the "room again" interrupt, so an interrupt between the refusal and the sleep is
 * not lost.
 *
 * There is one such device, and one opener of it is enough: a second open shares the stream.
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <irq_kern.h>
#include <os.h>

static int port_fd = -1;
static DECLARE_WAIT_QUEUE_HEAD(port_wait);
static DEFINE_MUTEX(port_read_lock);
static DEFINE_MUTEX(port_write_lock);

static char *ahead;		/* one page, read but not yet handed out */
static int ahead_at, ahead_used;
static bool at_end;
static bool no_room;

static irqreturn_t port_readable(int irq, void *dev)
{
	wake_up_interruptible_poll(&port_wait, EPOLLIN | EPOLLRDNORM);
	return IRQ_HANDLED;
}

static irqreturn_t port_writable(int irq, void *dev)
{
	WRITE_ONCE(no_room, false);
	wake_up_interruptible_poll(&port_wait, EPOLLOUT | EPOLLWRNORM);
	return IRQ_HANDLED;
}

/* Fills the page if it is empty. 1: bytes or the end are there; 0: nothing yet. */
static int port_fill(void)
{
	int n;

	if (at_end || ahead_at < ahead_used)
		return 1;
	n = os_read_file(port_fd, ahead, PAGE_SIZE);
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		at_end = true;
	ahead_at = 0;
	ahead_used = n > 0 ? n : 0;
	return 1;
}

static int port_fill_locked(void)
{
	int ready;

	mutex_lock(&port_read_lock);
	ready = port_fill();
	mutex_unlock(&port_read_lock);
	return ready;
}

static ssize_t port_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	size_t done = 0;

	for (;;) {
		mutex_lock(&port_read_lock);
		while (done < count && port_fill()) {
			size_t n = min_t(size_t, count - done, ahead_used - ahead_at);

			if (n == 0)
				break;
			if (copy_to_user(buf + done, ahead + ahead_at, n)) {
				mutex_unlock(&port_read_lock);
				return done ? done : -EFAULT;
			}
			ahead_at += n;
			done += n;
		}
		mutex_unlock(&port_read_lock);
		if (done || at_end || count == 0)
			return done;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(port_wait, port_fill_locked()))
			return -ERESTARTSYS;
	}
}

static ssize_t port_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char *page = kmalloc(PAGE_SIZE, GFP_KERNEL);
	size_t done = 0;
	int err = 0;

	if (!page)
		return -ENOMEM;
	mutex_lock(&port_write_lock);
	while (done < count) {
		int n = min_t(size_t, count - done, PAGE_SIZE);

		if (copy_from_user(page, buf + done, n)) {
			err = -EFAULT;
			break;
		}
		WRITE_ONCE(no_room, true);
		n = os_write_file(port_fd, page, n);
		if (n > 0) {
			WRITE_ONCE(no_room, false);
			done += n;
			continue;
		}
		if (n != -EAGAIN && n != -EINTR) {
			WRITE_ONCE(no_room, false);
			err = n ? n : -EIO;
			break;
		}
		if (done || (file->f_flags & O_NONBLOCK)) {
			err = -EAGAIN;
			break;
		}
		if (wait_event_interruptible(port_wait, !READ_ONCE(no_room))) {
			err = -ERESTARTSYS;
			break;
		}
	}
	mutex_unlock(&port_write_lock);
	kfree(page);
	return done ? done : err;
}

static __poll_t port_poll(struct file *file, poll_table *wait)
{
	__poll_t mask = 0;

	poll_wait(file, &port_wait, wait);
	if (port_fill_locked())
		mask |= EPOLLIN | EPOLLRDNORM;
	if (at_end)
		mask |= EPOLLHUP;
	if (!READ_ONCE(no_room))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static const struct file_operations port_fops = {
	.owner = THIS_MODULE,
	.read = port_read,
	.write = port_write,
	.poll = port_poll,
};

static struct miscdevice port_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hillock",
	.fops = &port_fops,
	.mode = 0600,
};

static int __init port_setup(char *value)
{
	return kstrtoint(value, 10, &port_fd) == 0;
}
__setup("hillock_port=", port_setup);

static int __init port_init(void)
{
	int irq;

	if (port_fd < 0)
		return 0;
	ahead = (char *)__get_free_page(GFP_KERNEL);
	if (!ahead)
		return -ENOMEM;
	irq = um_request_irq(UM_IRQ_ALLOC, port_fd, IRQ_READ, port_readable, 0, "hillock-rx",
			     &port_device);
	if (irq >= 0)
		irq = um_request_irq(UM_IRQ_ALLOC, port_fd, IRQ_WRITE, port_writable, 0,
				     "hillock-tx", &port_device);
	if (irq < 0) {
		pr_err("hillock_port=%d: cannot be watched: %d\n", port_fd, irq);
		return irq;
	}
	return misc_register(&port_device);
}
device_initcall(port_init);
