using System.Collections.Immutable;

namespace MailGrains.Contracts.Directory;

/// <summary>A password of its own for one program: made by the server, for PLAIN and LOGIN. Its secret is seen once.</summary>
/// <param name="LastUsed">The day, or null.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.AppPassword")]
public sealed record AppPassword(
    [property: Id(0)] string Id, [property: Id(1)] string Label, [property: Id(2)] AccessScope Scopes, [property: Id(3)] DateTimeOffset Created,
    [property: Id(4)] DateTimeOffset? Expires, [property: Id(5)] DateOnly? LastUsed)
{
    /// <summary>The most that an account has.</summary>
    public const int MaxPerAccount = 50;

    public const int MaxLabelChars = 100;
}

/// <param name="Password">Null where the secret was not made; <paramref name="Refusal"/> says why.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.NewAppPassword")]
public sealed record NewAppPassword([property: Id(0)] AppPassword? Password, [property: Id(1)] string? Secret, [property: Id(2)] string? Refusal)
{
    /// <summary>Keeps the secret out of logs.</summary>
    public override string ToString() => $"{nameof(NewAppPassword)} {Password?.Id}";
}

/// <param name="Login">How the login with the present password ended.</param>
/// <param name="Refusal">Why the new one was not taken, or null.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.PasswordChange")]
public sealed record PasswordChange([property: Id(0)] LoginOutcome Login, [property: Id(1)] string? Refusal)
{
    public bool IsChanged => Login.Status == LoginStatus.Accepted && Refusal is null;
}

[GenerateSerializer, Immutable, Alias("mailgrains.AppPasswordList")]
public sealed record AppPasswordList([property: Id(0)] ImmutableArray<AppPassword> Passwords);
