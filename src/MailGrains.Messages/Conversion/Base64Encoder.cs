using System.Buffers;
using System.Buffers.Text;

namespace MailGrains.Messages.Conversion;

/// <summary>Base64 in lines of 76 characters (RFC 2045 §6.8).</summary>
internal sealed class Base64Encoder : TransferEncoder
{
    private const int LineOctets = 57;
    private const int LineChars = 76;

    private readonly byte[] _line = new byte[LineOctets];
    private int _held;
    private bool _hasLine;

    public override void Append(ReadOnlySpan<byte> octets, IBufferWriter<byte> output)
    {
        while (!octets.IsEmpty)
        {
            var count = Math.Min(LineOctets - _held, octets.Length);
            octets[..count].CopyTo(_line.AsSpan(_held));
            _held += count;
            octets = octets[count..];
            if (_held == LineOctets)
            {
                Finish(output);
            }
        }
    }

    public override void Finish(IBufferWriter<byte> output)
    {
        if (_held == 0)
        {
            return;
        }

        if (_hasLine)
        {
            output.Write("\r\n"u8);
        }

        Base64.EncodeToUtf8(_line.AsSpan(0, _held), output.GetSpan(LineChars), out _, out var written);
        output.Advance(written);
        _hasLine = true;
        _held = 0;
    }
}
