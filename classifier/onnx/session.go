package onnx

import (
	"errors"

	ort "github.com/yalue/onnxruntime_go"
)

// newSession uses one thread per call, because several calls run at once, and
// a shared pool would make them wait for each other.
func newSession(graph []byte, inputs, outputs []string) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)); err != nil {
		return nil, err
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(graph, inputs, outputs, options)
}

// tensor makes a value of ONNX Runtime over a slice; it does not copy.
type tensor func() (ort.Value, error)

func wrap[T ort.TensorData](data []T, shape ...int64) tensor {
	return func() (ort.Value, error) { return ort.NewTensor(ort.Shape(shape), data) }
}

// runSession runs a session once. The outputs are written to the slices that
// their tensors wrap.
func runSession(s *ort.DynamicAdvancedSession, inputs, outputs []tensor) error {
	values := make([]ort.Value, 0, len(inputs)+len(outputs))
	defer func() {
		for _, v := range values {
			v.Destroy()
		}
	}()
	for _, make := range append(inputs, outputs...) {
		v, err := make()
		if err != nil {
			return err
		}
		values = append(values, v)
	}
	return s.Run(values[:len(inputs)], values[len(inputs):])
}

// output is what a stage says: logits of the intents, already divided by the
// temperature, and b with its standard deviation.
type output struct {
	logits     [16]float32
	difficulty [2]float32
}
