package officialdoc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/signintech/gopdf"
)

// Fonts are TrueType fonts for a PDF file by their role. A role without a font
// takes another's, and so does a character that a font lacks.
type Fonts struct {
	Title, Fangsong, Kaiti, Heiti, Songti []byte
	// Rare has the characters that the others lack, such as 𠮷.
	Rare []byte
}

// role is a font with its face.
type role struct {
	// name is how settings call it.
	name string
	face face
	data *[]byte
	// files are how it is called on Windows, in Debian's packages and in those of
	// Google's fonts, the best first.
	files []string
}

func (f *Fonts) roles() []role {
	return []role{
		{"fangsong", fangsong, &f.Fangsong, []string{"simfang.ttf", "FZFSK.TTF", "STFANGSO.TTF"}},
		{"songti", songti, &f.Songti, []string{"simsun.ttf", "gbsn00lp.ttf", "NotoSerifSC-Regular.ttf", "NotoSerifSC_400Regular.ttf", "STSONG.TTF"}},
		{"kaiti", kaiti, &f.Kaiti, []string{"simkai.ttf", "gkai00mp.ttf", "LXGWWenKai-Regular.ttf", "STKAITI.TTF"}},
		{"heiti", heiti, &f.Heiti, []string{"simhei.ttf", "NotoSansSC-Regular.ttf", "NotoSansSC_400Regular.ttf"}},
		{"title", mark, &f.Title, []string{"FZXBSJW.TTF", "FZXBSK.TTF", "NotoSerifSC-Bold.ttf", "NotoSerifSC_700Bold.ttf"}},
		{"rare", rare, &f.Rare, []string{"simsunb.ttf", "NotoSerifJP-Regular.ttf", "NotoSerifJP_400Regular.ttf"}},
	}
}

// FontSource says where fonts are looked for.
type FontSource struct {
	// Folders come before the usual ones of the system.
	Folders []string
	// Files are fonts by the names of [FontRoles], each instead of what is found.
	Files map[string]string
}

// FontRoles are the names of the roles that a font can have.
func FontRoles() []string {
	var names []string
	for _, r := range (&Fonts{}).roles() {
		names = append(names, r.name)
	}
	return names
}

// systemFolders hold the fonts of a machine.
var systemFolders = []string{"/usr/local/share/fonts", "/usr/share/fonts", "/System/Library/Fonts", "/Library/Fonts", `C:\Windows\Fonts`}

// FindFonts reads the fonts of a source: the named files, then those in its
// folders, then those of the system. A font in a folder is told by its name, whatever
// its case.
func FindFonts(from FontSource) (Fonts, error) {
	var fonts Fonts
	if err := fonts.named(from.Files); err != nil {
		return Fonts{}, err
	}
	folders := slices.Concat(from.Folders, systemFolders)
	for _, folder := range folders {
		if err := fonts.under(folder); err != nil {
			return Fonts{}, err
		}
	}
	if fonts.none() {
		return Fonts{}, refuse("fonts", "没有找到可用的 TrueType 中文字体：请用设置项 fonts 指定字体目录，或者安装字体（如 Debian 的 fonts-arphic-gbsn00lp 和 fonts-arphic-gkai00mp）；在 %s 中查找过",
			strings.Join(folders, "、"))
	}
	return fonts, nil
}

// named takes the fonts that are named for their roles.
func (f *Fonts) named(files map[string]string) error {
	for _, r := range f.roles() {
		path := files[r.name]
		if path == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return refuse("fonts", "设置项 font-files 中 %s 的字体文件无法读取：%v", r.name, err)
		}
		*r.data = data
	}
	return nil
}

// under takes the fonts under a folder for roles that have none yet.
func (f *Fonts) under(folder string) error {
	found := map[string]string{}
	// What cannot be read holds no font for us.
	_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found[strings.ToLower(entry.Name())] = path
		}
		return nil
	})
	for _, r := range f.roles() {
		for _, file := range r.files {
			path := found[strings.ToLower(file)]
			if path == "" || *r.data != nil {
				continue
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return refuse("fonts", "字体文件无法读取：%v", err)
			}
			*r.data = data
		}
	}
	return nil
}

func (f *Fonts) none() bool {
	for _, r := range f.roles() {
		if len(*r.data) > 0 {
			return false
		}
	}
	return true
}

// Typefaces are fonts that have been parsed, for any number of letters at a time.
type Typefaces struct {
	fonts gopdf.FontContainer
	faces []face // those there are fonts for
}

// Parse makes fonts ready. One that is no TrueType font is an *Error.
func (f Fonts) Parse() (*Typefaces, error) {
	if f.none() {
		return nil, refuse("fonts", "没有可用的 TrueType 中文字体")
	}
	t := &Typefaces{}
	for _, r := range f.roles() {
		if len(*r.data) == 0 {
			continue
		}
		if err := t.fonts.AddTTFFontData(string(r.face), *r.data); err != nil {
			return nil, refuse("fonts", "%s的字体不是可用的 TrueType 字体：%v", r.face, err)
		}
		t.faces = append(t.faces, r.face)
	}
	return t, nil
}

// FontLibrary finds and parses the fonts of a machine when they are first needed
// and keeps them: one set, as large as its files. Fonts that were not there are
// looked for again, so that they can be put in place while it is in use.
type FontLibrary struct {
	source FontSource
	mu     sync.Mutex
	kept   *Typefaces
}

// NewFontLibrary makes a library of the fonts of a source.
func NewFontLibrary(source FontSource) *FontLibrary { return &FontLibrary{source: source} }

// Typefaces are the library's; what is missing or broken is an *Error.
func (l *FontLibrary) Typefaces() (*Typefaces, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept != nil {
		return l.kept, nil
	}
	fonts, err := FindFonts(l.source)
	if err != nil {
		return nil, err
	}
	l.kept, err = fonts.Parse()
	return l.kept, err
}
