namespace MailGrains.Contracts.Calls;

/// <summary>
/// The call may be carried out twice: the second time it changes nothing that matters, and answers alike. A caller who can't know whether it was carried out
/// may ask again, and <see cref="RepeatedCalls"/> does. Whatever is marked stays so.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MayRepeatAttribute : Attribute;
