package officialdoc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	face face
	data *[]byte
	// files are how it is called on Windows, in Debian's packages and in those of
	// Google's fonts, the best first.
	files []string
}

func (f *Fonts) roles() []role {
	return []role{
		{fangsong, &f.Fangsong, []string{"simfang.ttf", "FZFSK.TTF", "STFANGSO.TTF"}},
		{songti, &f.Songti, []string{"simsun.ttf", "gbsn00lp.ttf", "NotoSerifSC-Regular.ttf", "NotoSerifSC_400Regular.ttf", "STSONG.TTF"}},
		{kaiti, &f.Kaiti, []string{"simkai.ttf", "gkai00mp.ttf", "STKAITI.TTF"}},
		{heiti, &f.Heiti, []string{"simhei.ttf", "NotoSansSC-Regular.ttf", "NotoSansSC_400Regular.ttf"}},
		{mark, &f.Title, []string{"FZXBSJW.TTF", "FZXBSK.TTF"}},
		{rare, &f.Rare, []string{"simsunb.ttf", "NotoSerifJP-Regular.ttf", "NotoSerifJP_400Regular.ttf"}},
	}
}

// FindFonts looks for fonts under folders, those named first before the usual ones
// of the system. A file is told by its name, whatever its case.
func FindFonts(folders ...string) (Fonts, error) {
	var fonts Fonts
	folders = append(folders, "/usr/local/share/fonts", "/usr/share/fonts", "/System/Library/Fonts", "/Library/Fonts", `C:\Windows\Fonts`)
	for _, folder := range folders {
		found := map[string]string{}
		// What cannot be read holds no font for us.
		_ = filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				found[strings.ToLower(entry.Name())] = path
			}
			return nil
		})
		for _, r := range fonts.roles() {
			for _, file := range r.files {
				path := found[strings.ToLower(file)]
				if path == "" || *r.data != nil {
					continue
				}
				data, err := os.ReadFile(path)
				if err != nil {
					return Fonts{}, fmt.Errorf("read a font: %w", err)
				}
				*r.data = data
			}
		}
	}
	if fonts.none() {
		return Fonts{}, refuse("fonts", "没有找到可用的 TrueType 中文字体，请安装（如 Debian 的 fonts-arphic-gbsn00lp 和 fonts-arphic-gkai00mp）或者指定字体目录；在 %s 中查找过",
			strings.Join(folders, "、"))
	}
	return fonts, nil
}

func (f *Fonts) none() bool {
	for _, r := range f.roles() {
		if len(*r.data) > 0 {
			return false
		}
	}
	return true
}
