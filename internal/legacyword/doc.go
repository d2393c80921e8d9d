// Package legacyword turns .doc files into .docx files with a converter that is
// installed beside fashen: LibreOffice's soffice, or a program that takes its
// arguments.
//
// A .doc is a stranger's file and an office suite is a large program, so each file
// gets a process of its own: [Converter] is the side that asks, [Become] what the
// child does before it becomes the converter. The child has a folder and a profile
// of its own, in memory where the machine has /dev/shm, and nothing of our
// environment; memory, processor time and size of files are capped; Linux keeps it
// from every other folder but the system's, which it may only read (Landlock), and
// from the network and other processes (namespaces), as far as the kernel allows it.
// At the end, whichever it is, the whole process group is killed and the folder
// removed. What comes out is read as any uploaded .docx is: its numbers are resolved
// by us, not by the converter, which numbers articles wrongly in a text of its own.
package legacyword
