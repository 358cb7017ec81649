package spec

// tree is what stands in the files. It has no pointers, so that a large one costs the
// garbage collector nothing, and each place in it takes 28 bytes.
type tree struct {
	files  []file
	chunks [][]cell
	cells  uint32
}

// file is one whose cells begin at a number. A cell's text is a part of the text, or
// where there are texts, one of them.
type file struct {
	name  string
	text  string
	texts []string
	first uint32
}

// cell is a place. In a map, each key has a cell, which is up of the cell of its value;
// that follows it. The cell 0 is nowhere.
type cell struct {
	in, size     uint32 // of a scalar: where its text begins, and how long it is; of others: the first cell in this one
	line, column uint32 // from 1
	up, next     uint32 // the cell that this one is in, and the next in the same one
	kind         uint32 // the shape, nullBit, and the index in a list
}

const (
	chunkBits  = 10
	shapeMask  = 3
	nullBit    = 4
	indexShift = 3
)

// open begins a file: cells are added to the last one.
func (t *tree) open(f file) {
	if t.cells == 0 {
		t.add(cell{})
	}
	f.first = t.cells
	t.files = append(t.files, f)
}

// abandon takes back what was added since a file was opened.
func (t *tree) abandon() {
	last := len(t.files) - 1
	t.cells = t.files[last].first
	t.files = t.files[:last]
	for int(t.cells) <= (len(t.chunks)-1)<<chunkBits {
		t.chunks = t.chunks[:len(t.chunks)-1]
	}
	if len(t.chunks) > 0 {
		c := &t.chunks[len(t.chunks)-1]
		*c = (*c)[:int(t.cells)-(len(t.chunks)-1)<<chunkBits]
	}
}

func (t *tree) add(c cell) uint32 {
	i := t.cells
	if i>>chunkBits == uint32(len(t.chunks)) { // removeLast may have left an empty one
		t.chunks = append(t.chunks, t.chunk())
	}
	chunk := &t.chunks[i>>chunkBits]
	*chunk = append(*chunk, c)
	t.cells++
	return i
}

// chunk returns room for cells, which may be what an abandoned file has had.
func (t *tree) chunk() []cell {
	if n := len(t.chunks); n < cap(t.chunks) {
		if c := t.chunks[:n+1][n]; c != nil {
			return c[:0]
		}
	}
	return make([]cell, 0, 1<<chunkBits)
}

func (t *tree) at(i uint32) *cell { return &t.chunks[i>>chunkBits][i&(1<<chunkBits-1)] }

// removeLast takes the last cell back.
func (t *tree) removeLast() {
	t.cells--
	chunk := &t.chunks[t.cells>>chunkBits]
	*chunk = (*chunk)[:len(*chunk)-1]
}

// setText gives a cell of the last file a text that is no part of the file's.
func (t *tree) setText(i uint32, text string) {
	f := &t.files[len(t.files)-1]
	t.at(i).in = uint32(len(f.texts))
	f.texts = append(f.texts, text)
}

// append puts a cell behind the last one of those in up; 0: it is the first.
func (t *tree) append(up, last, i uint32) {
	if last == 0 {
		t.at(up).in = i
		return
	}
	t.at(last).next = i
}

// fileOf returns the file that a cell is in.
func (t *tree) fileOf(i uint32) *file {
	low, high := 0, len(t.files)-1
	for low < high {
		mid := (low + high + 1) / 2
		if t.files[mid].first <= i {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return &t.files[low]
}
