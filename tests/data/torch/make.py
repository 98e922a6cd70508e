# Made with PyTorch 2.14.1 and NumPy 1.26.4: python make.py <folder of data/checkpoints> writes the
# files beside it and expected.json: what PyTorch and safetensors read from every sound file.
import glob, json, os, sys, warnings, zlib
from collections import OrderedDict, Counter
import numpy as np, torch
from safetensors.torch import load_file
warnings.filterwarnings('ignore')
here = os.path.dirname(os.path.abspath(__file__))
os.chdir(here)
base = torch.arange(24, dtype=torch.float32) / 8
model = OrderedDict([
    ('backbone.conv.weight', base.reshape(2, 3, 2, 2).clone()),
    ('backbone.bn.num_batches_tracked', torch.tensor(7)),
    ('transposed', torch.arange(6, dtype=torch.int32).reshape(2, 3).t()),
    ('permuted', base.reshape(2, 3, 4).permute(2, 0, 1)),
    ('slice', base[5:17:3]), ('view', base.reshape(4, 6)[1:3]), ('expanded', base[3:4].expand(5)),
    ('half', torch.tensor([1.5, -2, float('inf')], dtype=torch.float16)),
    ('bfloat', torch.tensor([1.5, -2, float('nan')], dtype=torch.bfloat16)),
    ('bool', torch.tensor([True, False])), ('byte', torch.tensor([0, 255], dtype=torch.uint8)),
    ('char', torch.tensor([-128, 127], dtype=torch.int8)),
    ('short', torch.tensor([-32768, 5], dtype=torch.int16)),
    ('double', torch.tensor([1e300], dtype=torch.float64)),
    ('complex', torch.tensor([1 + 2j])), ('complex128', torch.tensor([1 + 2j], dtype=torch.complex128)),
    ('empty', torch.zeros(0, 3)), ('parameter', torch.nn.Parameter(torch.ones(2, 2)))])
snapshot = {
    'metadata': {'epoch': 25, 'metrics': {'metrics/test.mAP': np.float64(93.5)},
                 'losses': {'train.total_loss': float('nan')}},
    'model': model,
    'optimizer': {'state': {0: {'step': torch.tensor(1.0), 'exp_avg': torch.zeros(3)}},
                  'param_groups': [{'lr': 1e-4, 'betas': (0.9, 0.999), 'params': [0]}]},
    'scheduler': {'milestones': Counter({5: 1}), '_last_lr': [0.1]}}
torch.save(snapshot, 'snapshot-025.pt')
torch.save(snapshot, 'legacy.pt', _use_new_zipfile_serialization=False)
torch.save({'u16': torch.tensor([1, 65535], dtype=torch.uint16),
            'f8': torch.tensor([1., -2.]).to(torch.float8_e4m3fn)}, 'untyped.pt')
torch.save({'q': torch.quantize_per_tensor(torch.arange(4.), 0.5, 3, torch.quint8)}, 'quantized.pt')

def flat(value, name=''):
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if name or not (str(key).startswith('optim') or 'scheduler' in str(key)):
                yield from flat(item, f'{name}.{key}' if name else str(key))

def describe(tensors):
    rows = []
    for name, tensor in sorted(tensors, key=lambda item: item[0].encode()):
        data = tensor.detach().contiguous()
        raw = data.reshape(-1).view(torch.uint8).numpy().tobytes() if data.numel() else b''
        rows.append([name, str(tensor.dtype).split('.')[1], list(tensor.shape), zlib.crc32(raw)])
    return rows

expected = {}
for path in ['snapshot-025.pt', 'legacy.pt', 'untyped.pt']:
    tensors = list(flat(torch.load(path, map_location='cpu', weights_only=False)))
    if all(name.startswith('model.') for name, _ in tensors):
        tensors = [(name[6:], tensor) for name, tensor in tensors]
    expected[path] = describe(tensors)
for path in sorted(glob.glob(sys.argv[1] + '/**/*', recursive=True)):
    name = os.path.relpath(path, sys.argv[1])
    if path.endswith(('.pt', '.pth')):
        try:
            value = torch.load(path, map_location='cpu', weights_only=False)
        except Exception:
            continue
        if isinstance(value, dict):
            expected[name] = describe(flat(value))
    elif path.endswith('.safetensors'):
        expected[name] = describe(load_file(path).items())
with open('expected.json', 'w') as file:
    file.write('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in expected.items()) + '\n}\n')
