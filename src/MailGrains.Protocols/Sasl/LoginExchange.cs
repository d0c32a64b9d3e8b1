using System.Text;
using System.Text.Unicode;

namespace MailGrains.Protocols.Sasl;

/// <summary>LOGIN, which no RFC describes and old clients use: name and password, each asked for. An initial response is the name.</summary>
internal sealed class LoginExchange(ISaslBackend backend) : SaslExchange
{
    private string? _name;

    // Some clients look at the words.
    public override ReadOnlyMemory<byte> FirstChallenge => "Username:"u8.ToArray();

    public override async ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken)
    {
        if (response.Length is 0 or > PlainExchange.MaxPartBytes || !Utf8.IsValid(response) || response.Contains((byte)0))
        {
            return SaslStep.Malformed;
        }

        var text = Encoding.UTF8.GetString(response);
        if (_name is null)
        {
            _name = text;
            return SaslStep.Ask("Password:"u8.ToArray());
        }

        return SaslStep.Finish(await backend.CheckPasswordAsync(new("", _name, text), cancellationToken));
    }
}
