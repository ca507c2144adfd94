"""Files by which a system tells a process its limits."""


def write(root, files):
    """Write files of /proc and /sys below a root, which is returned."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def in_group(place, settings):
    """Return the files of a process in a control group, the settings by their place in /sys."""
    files = {f"sys/fs/cgroup/{name}": f"{value}\n" for name, value in settings.items()}
    return {"proc/self/cgroup": f"{place}\n", **files}
