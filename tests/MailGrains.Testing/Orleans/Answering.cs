using System.Reflection;

namespace MailGrains.Testing.Orleans;

/// <summary>An object of any interface, such as a grain's, that answers all calls in one way. Not sealed, since the proxy is derived from it.</summary>
public class Answering : DispatchProxy
{
    private Func<(MethodInfo Method, object?[] Arguments), object?>? _answer;

    /// <typeparam name="T">The interface.</typeparam>
    /// <param name="answer">What each call returns, or throws.</param>
    public static T Make<T>(Func<(MethodInfo Method, object?[] Arguments), object?> answer)
        where T : class
    {
        var made = Create<T, Answering>();
        ((Answering)(object)made)._answer = answer;
        return made;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => _answer!((targetMethod!, args ?? []));
}
