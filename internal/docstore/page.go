package docstore

// Fits tells whether a page of a number of documents, of so many bytes
// together, takes another one. It always takes the first.
func (p *Plan) Fits(documents, held, another int) bool {
	return documents == 0 || documents < p.Limit && held+another <= p.MaxBytes
}

// Take adds the next document of the list, with an encoded body of so many
// bytes, if the page takes it. Otherwise it sets More, which ends the page. Only
// a document that is taken is decoded.
func (f *Found) Take(p *Plan, at Position, bytes int, decode func() (*Record, error)) error {
	if !p.Fits(len(f.Records), f.bytes, bytes) {
		f.More = true
		return nil
	}
	r, err := decode()
	if err != nil {
		return err
	}
	f.Records = append(f.Records, r)
	f.bytes += bytes
	f.Last = at
	return nil
}
