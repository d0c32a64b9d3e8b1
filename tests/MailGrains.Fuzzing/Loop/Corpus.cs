namespace MailGrains.Fuzzing.Loop;

/// <summary>The inputs that showed something new, at most so many: then one that came later takes the place of another.</summary>
internal sealed class Corpus(Random random, int max)
{
    private readonly List<byte[]> _inputs = [];

    public int Count => _inputs.Count;

    public IReadOnlyList<byte[]> Inputs => _inputs;

    public void Add(byte[] input)
    {
        if (_inputs.Count < max)
        {
            _inputs.Add(input);
        }
        else
        {
            _inputs[random.Next(max)] = input;
        }
    }

    /// <summary>Half of the time one of the last, which are on the way to something.</summary>
    public byte[] Pick()
    {
        var last = Math.Max(1, _inputs.Count / 8);
        return random.Next(2) == 0 ? _inputs[random.Next(_inputs.Count)] : _inputs[_inputs.Count - 1 - random.Next(last)];
    }
}
